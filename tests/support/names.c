/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/names.h"

#include <string.h>

#include "common/base/memory.h"

static const char *const words[] = {"n",     "y",  "yes", "No", "on",	 "true", "null", "~",  "1",  "1.5", "0x1f", "1e3", ".inf", "2001-01-01", "12:30",
				    "0o17",  "_",  "- ",  ": ", " #",	 "---",	 "...",	 "<<", "= ", "? ",  "&a",   "*a",  "!!x",  "|\n",	 ">-\n",
				    "\"",    "'",  "\\",  "\\u0041", "%", "@",	 "`",	 "{",  "}",  "[",   "]",    ",",   "\t",   "\r",	 "\n",
				    "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae", "\xef\xbb\xbf", "\xf0\x9f\x90\xb3", "\x7f", "\x01", " "};

static uint64_t draw(uint64_t *seed) /* splitmix64 */
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static size_t put_character(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static uint32_t random_character(uint64_t *seed)
{
	static const uint32_t tops[] = {0x7f, 0x7f, 0x7ff, 0xffff, 0x10ffff};
	uint32_t c = (uint32_t)(draw(seed) % tops[draw(seed) % USH_COUNT(tops)]) + 1;

	return c >= 0xd800 && c <= 0xdfff ? 'x' : c; /* surrogates are no characters */
}

void names_next(uint64_t *seed, char out[NAMES_LONGEST])
{
	size_t parts = draw(seed) % 12, length = 0;

	while (parts-- > 0) {
		const char *word = words[draw(seed) % USH_COUNT(words)];

		if (draw(seed) % 3 > 0) {
			length += put_character(random_character(seed), out + length);
		} else {
			memcpy(out + length, word, strlen(word));
			length += strlen(word);
		}
	}
	out[length] = '\0';
}
