/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that came from outside (a group name, a provider's error_description, a user code) reaches a terminal or a log
 * only through ush_text_line(), YAML only through data/yaml.h, JSON only through jansson. And a growing buffer that is
 * born with its limit.
 */
#ifndef USH_BASE_TEXT_H
#define USH_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes raw to out as printable ASCII on one line and returns out: control bytes (C0, DEL, C1), bidi and zero-width
 * characters, anything that is not ASCII becomes \xNN (a byte that is not UTF-8) or \u{NNNN} (a code point). The output
 * is cut with "..." when size does not hold it; size is at least 16. Secrets of ours become dots (scrub.h).
 */
const char *ush_text_line(char *out, size_t size, const char *raw);

/* The same into fresh memory, whole; the caller frees. For tables and reports, where a name must not be cut. */
char *ush_text_safe(const char *raw);

/* One word of a shell (bash, zsh, busybox), for a command that a person pastes: plain, in quotes, or $'...' when a byte is not
 * printable ASCII, so that ush_text_line leaves it as it is. The caller frees. */
char *ush_text_word(const char *text);

/* A copy in which every run of letters of a token (RFC 6750 section 2.1, without '/') that is longer than a UUID or a
 * name has reason to be is "...": for what others say, who may quote a secret of ours. The caller frees. */
#define USH_TEXT_TOKEN_LEAST 40
char *ush_text_without_tokens(const char *raw);

/* True when s is valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool ush_text_is_utf8(const char *s, size_t length);

/* Bytes of the mark that some editors put in front of UTF-8 (U+FEFF): 3, or 0 when s does not begin with it. */
size_t ush_text_mark(const char *s, size_t length);

/* Decodes one code point at s (length > 0); returns its length in bytes, 0 when it is not UTF-8. */
size_t ush_text_code_point(const char *s, size_t length, unsigned int *code_point);

/* True for code points that a reader cannot see or that reorder what he sees: bidi controls, zero-width, C0, C1, BOM. */
bool ush_text_deceives(unsigned int code_point);

struct ush_buf {
	char *data; /* NUL terminated once anything was added; NULL before */
	size_t length;
	size_t limit; /* bytes it may hold; 0 means USH_BUF_DEFAULT_LIMIT */
	size_t capacity;
	bool overflow; /* an addition did not fit; nothing of it was added, and nothing after it */
};

#define USH_BUF_DEFAULT_LIMIT (256U << 20)
#define USH_BUF_MAX(bytes)    {.limit = (bytes)}

/* Each returns -1 and sets overflow when the limit would be passed. */
int ush_buf_add(struct ush_buf *buf, const void *data, size_t length);
int ush_buf_puts(struct ush_buf *buf, const char *text);
int ush_buf_printf(struct ush_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Wipes and frees. */
void ush_buf_free(struct ush_buf *buf);

/* The text, owned by the caller; the buffer is empty after. Never NULL. */
char *ush_buf_take(struct ush_buf *buf);

#define USH_AUTO_BUF __attribute__((cleanup(ush_buf_free))) struct ush_buf

#endif
