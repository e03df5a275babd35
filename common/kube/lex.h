/* SPDX-License-Identifier: Apache-2.0
 *
 * How the cutter, the scanner and the walks step over JSON text: strings, which are most of it, eight bytes at a time.
 */
#ifndef USH_KUBE_LEX_H
#define USH_KUBE_LEX_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define USH_LEX_ONES UINT64_C(0x0101010101010101)
#define USH_LEX_TOPS UINT64_C(0x8080808080808080)

/* The top bit of each byte of `word` that is c. Exact up to the first one, which is all that is asked. */
static inline uint64_t ush_lex_equal(uint64_t word, unsigned char c)
{
	uint64_t x = word ^ USH_LEX_ONES * c;

	return (x - USH_LEX_ONES) & ~x & USH_LEX_TOPS;
}

static inline uint64_t ush_lex_word(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

/* The first quote or backslash from `at` on, or end. */
static inline const char *ush_lex_quote(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word = ush_lex_word(at), hit = ush_lex_equal(word, '"') | ush_lex_equal(word, '\\');

		if (hit != 0)
			return at + (__builtin_ctzll(hit) >> 3);
	}
	while (at < end && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* The first byte that is no ordinary printable ASCII inside a string: quote, backslash, below 0x20, above 0x7f. */
static inline const char *ush_lex_special(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word = ush_lex_word(at), low = (word - USH_LEX_ONES * 0x20) & ~word;
		uint64_t hit = ush_lex_equal(word, '"') | ush_lex_equal(word, '\\') | ((low | word) & USH_LEX_TOPS);

		if (hit != 0)
			return at + (__builtin_ctzll(hit) >> 3);
	}
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80)
		at++;
	return at;
}

static inline bool ush_lex_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *ush_lex_space(const char *at, const char *end)
{
	while (at < end && ush_lex_is_space(*at))
		at++;
	return at;
}

#endif
