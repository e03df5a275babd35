/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/scrub.h"

size_t ush_text_code_point(const char *s, size_t length, unsigned int *code_point)
{
	static const unsigned int least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	size_t need = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xf8) == 0xf0 ? 4 : 0;
	unsigned int c;

	if (need == 0 || need > length)
		return 0;
	c = need == 1 ? p[0] : p[0] & (0x7fU >> need);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (need > 1 && c < least[need])
		return 0;
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code_point = c;
	return need;
}

size_t ush_text_mark(const char *s, size_t length)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'};

	return length >= sizeof mark && memcmp(s, mark, sizeof mark) == 0 ? sizeof mark : 0;
}

bool ush_text_is_utf8(const char *s, size_t length)
{
	unsigned int c;
	size_t n;

	for (; length > 0; s += n, length -= n) {
		n = ush_text_code_point(s, length, &c);
		if (n == 0)
			return false;
	}
	return true;
}

bool ush_text_deceives(unsigned int c)
{
	static const struct {
		unsigned int first, last;
	} ranges[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x115f, 0x1160}, {0x180e, 0x180e},
		{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
		{0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* One step of the sanitiser: how the bytes at raw are shown. Returns how many bytes were read; piece is NUL terminated. */
static size_t show(const char *raw, size_t length, char piece[16])
{
	unsigned int c = 0;
	size_t n = ush_text_code_point(raw, length, &c);

	if (n == 0) {
		snprintf(piece, 16, "\\x%02x", (unsigned char)raw[0]);
		return 1;
	}
	if (c >= 0x20 && c < 0x7f)
		snprintf(piece, 16, "%c", (int)c);
	else if (c == '\n')
		snprintf(piece, 16, "\\n");
	else if (c < 0x100)
		snprintf(piece, 16, "\\x%02x", c);
	else
		snprintf(piece, 16, "\\u{%04x}", c);
	return n;
}

const char *ush_text_line(char *out, size_t size, const char *raw)
{
	USH_AUTO_FREE char *scrubbed = ush_scrubbed_long(raw);
	size_t length = strlen(raw), used = 0;
	char piece[16];

	raw = scrubbed != NULL ? scrubbed : raw;
	while (length > 0) {
		size_t n = show(raw, length, piece), width = strlen(piece);

		if (used + width + 4 > size) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(out + used, piece, width);
		used += width;
		raw += n;
		length -= n;
	}
	out[used] = '\0';
	return out;
}

char *ush_text_safe(const char *raw)
{
	size_t size = 9 * strlen(raw) + 16; /* the widest spelling of a byte is its share of \u{10ffff} */
	char *out = ush_alloc(size);

	ush_text_line(out, size, raw);
	return out;
}

char *ush_text_word(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@%+=,";
	USH_AUTO_BUF out = {0};
	bool printable = true;

	if (*text != '\0' && text[strspn(text, plain)] == '\0')
		return ush_strdup(text);
	for (const char *p = text; *p != '\0'; p++)
		printable = printable && *p >= 0x20 && *p < 0x7f;
	ush_buf_puts(&out, printable ? "'" : "$'");
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c >= 0x7f)
			ush_buf_printf(&out, "\\%03o", c);
		else if (*p == '\'')
			ush_buf_puts(&out, printable ? "'\\''" : "\\'");
		else if (*p == '\\' && !printable)
			ush_buf_puts(&out, "\\\\");
		else
			ush_buf_add(&out, p, 1);
	}
	ush_buf_puts(&out, "'");
	return ush_buf_take(&out);
}

char *ush_text_without_tokens(const char *raw)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+=";
	USH_AUTO_FREE char *scrubbed = ush_scrubbed(raw); /* first: it takes pieces out of what is to be found */
	char *out = ush_strdup(scrubbed != NULL ? scrubbed : raw), *to = out;

	for (const char *from = out; *from != '\0';) {
		size_t run = strspn(from, letters), take = run > 0 ? run : 1;

		if (run > USH_TEXT_TOKEN_LEAST) {
			memcpy(to, "...", 3);
			to += 3;
		} else {
			memcpy(to, from, take);
			to += take;
		}
		from += take;
	}
	*to = '\0';
	return out;
}

int ush_buf_add(struct ush_buf *buf, const void *data, size_t length)
{
	size_t limit = buf->limit != 0 ? buf->limit : USH_BUF_DEFAULT_LIMIT;

	if (buf->overflow || length > limit || buf->length > limit - length) {
		buf->overflow = true;
		return -1;
	}
	if (buf->length + length + 1 > buf->capacity) {
		size_t capacity = 2 * (buf->length + length) + 64;
		char *grown = ush_alloc(capacity);

		if (buf->length > 0)
			memcpy(grown, buf->data, buf->length);
		ush_wipe_free(buf->data, buf->capacity);
		buf->data = grown;
		buf->capacity = capacity;
	}
	if (length > 0)
		memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
	return 0;
}

int ush_buf_puts(struct ush_buf *buf, const char *text)
{
	return ush_buf_add(buf, text, strlen(text));
}

int ush_buf_printf(struct ush_buf *buf, const char *format, ...)
{
	char small[512], *large = NULL;
	va_list args, again;
	int length, r;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	if (length >= 0 && (size_t)length >= sizeof small) {
		large = ush_alloc((size_t)length + 1);
		vsnprintf(large, (size_t)length + 1, format, again);
	}
	va_end(again);
	r = length < 0 ? -1 : ush_buf_add(buf, large != NULL ? large : small, (size_t)length);
	ush_wipe_free(large, length < 0 ? 0 : (size_t)length);
	return r;
}

void ush_buf_free(struct ush_buf *buf)
{
	ush_wipe_free(buf->data, buf->capacity);
	buf->data = NULL;
	buf->length = buf->capacity = 0;
}

char *ush_buf_take(struct ush_buf *buf)
{
	char *data = buf->data != NULL ? buf->data : ush_strdup("");

	buf->data = NULL;
	buf->length = buf->capacity = 0;
	return data;
}
