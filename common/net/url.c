/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"

#define URL_MAX         8192
#define NAME_MAX_LENGTH 253 /* RFC 1035 section 2.3.4, without the root's dot */
#define LABEL_MAX       63

static const char letters_and_digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* RFC 3986 section 2: everything that may stand in a URL and is no letter or digit; '#' and '%' are looked at apart. */
static const char marks[] = "-._~:/?[]@!$&'()*+,;=";

static bool is_word(char c)
{
	return c != '\0' && strchr(letters_and_digits, c) != NULL;
}

/* For messages: never a query (a code may be in it), never user info, not endless. */
static int refuse(const char *text, enum ush_code code, const char *why, struct ush_error *err)
{
	size_t length = strcspn(text, "?#");

	if (memchr(text, '@', length) != NULL)
		return ush_fail(err, code, "the URL %s", why);
	return ush_fail(err, code, "%.*s%s: %s", (int)(length < 200 ? length : 200), text, length < 200 ? "" : "...",
			why);
}

/* Why a byte of text may not stand in a URL, or NULL. */
static const char *bad_bytes(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '%') {
			if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
				return "has a '%' without two hex digits";
			if (p[1] == '0' && p[2] == '0')
				return "has an encoded zero byte";
		} else if (*p == '#') {
			return "has a fragment (#), which has no place here";
		} else if (!is_word(*p) && strchr(marks, *p) == NULL) {
			return "has a byte that is not allowed in a URL";
		}
	}
	return NULL;
}

static const char *read_scheme(struct ush_url *url, const char **at)
{
	static const struct {
		const char *start, *scheme;
		unsigned int port;
	} schemes[] = {{"https://", "https", 443}, {"http://", "http", 80}};

	for (size_t i = 0; i < USH_COUNT(schemes); i++) {
		if (strncmp(*at, schemes[i].start, strlen(schemes[i].start)) != 0)
			continue;
		*at += strlen(schemes[i].start);
		snprintf(url->scheme, sizeof url->scheme, "%s", schemes[i].scheme);
		url->port = schemes[i].port;
		return NULL;
	}
	return "is no https:// URL";
}

static const char *read_ipv6(struct ush_url *url, const char *text, size_t length)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;

	if (length >= sizeof address)
		return "has no IPv6 address in its brackets";
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(AF_INET6, address, &binary) != 1)
		return "has no IPv6 address in its brackets";
	if (IN6_IS_ADDR_V4MAPPED(&binary) || (IN6_IS_ADDR_V4COMPAT(&binary) && !IN6_IS_ADDR_LOOPBACK(&binary)))
		return "hides an IPv4 address in an IPv6 address";
	inet_ntop(AF_INET6, &binary, url->host, sizeof url->host);
	url->loopback = IN6_IS_ADDR_LOOPBACK(&binary);
	return NULL;
}

/* A name whose last label is a number is an address to every resolver: it must be one, in the one plain spelling. */
static bool ends_in_number(const char *host)
{
	const char *dot = strrchr(host, '.'), *last = dot != NULL ? dot + 1 : host;

	if (last[0] == '0' && last[1] == 'x')
		return strspn(last + 2, "0123456789abcdef") == strlen(last + 2);
	return strspn(last, "0123456789") == strlen(last);
}

static const char *read_name(struct ush_url *url, const char *text, size_t length)
{
	struct in_addr binary;
	size_t label = 0;

	if (length == 0)
		return "has no host";
	if (length > NAME_MAX_LENGTH)
		return "has a host name that is too long";
	for (size_t i = 0; i < length; i++) {
		label = text[i] == '.' ? 0 : label + 1;
		if ((text[i] == '.' && (i == 0 || i + 1 == length || text[i - 1] == '.')) || label > LABEL_MAX)
			return "has a host name with an empty or too long part";
		if (text[i] != '.' && text[i] != '-' && text[i] != '_' && !is_word(text[i]))
			return "has a host that is no name and no address";
		url->host[i] = (char)tolower((unsigned char)text[i]);
	}
	url->host[length] = '\0';
	if (url->host[0] == '-')
		return "has a host name that begins with '-'";
	if (ends_in_number(url->host)) {
		if (inet_pton(AF_INET, url->host, &binary) != 1)
			return "has an address that is not written as four decimal numbers";
		url->loopback = (ntohl(binary.s_addr) >> 24) == 127;
	} else {
		url->loopback = strcmp(url->host, "localhost") == 0;
	}
	return NULL;
}

static const char *read_port(struct ush_url *url, const char *text, size_t length)
{
	unsigned int port = 0;

	if (length == 0 || length > 5 || text[0] == '0' || strspn(text, "0123456789") < length)
		return "has no port from 1 to 65535 after the ':'";
	for (size_t i = 0; i < length; i++)
		port = port * 10 + (unsigned int)(text[i] - '0');
	if (port > 65535)
		return "has no port from 1 to 65535 after the ':'";
	url->port = port;
	url->port_given = true;
	return NULL;
}

static const char *read_authority(struct ush_url *url, const char *text, size_t length)
{
	const char *end = text + length, *close = memchr(text, ']', length), *colon, *why;

	if (memchr(text, '@', length) != NULL)
		return "has a user name or password in it";
	if (length > 0 && text[0] == '[') {
		if (close == NULL)
			return "has no IPv6 address in its brackets";
		why = read_ipv6(url, text + 1, (size_t)(close - text) - 1);
		colon = close + 1 < end ? close + 1 : NULL;
		if (why == NULL && colon != NULL && *colon != ':')
			why = "has a host that is no name and no address";
	} else {
		colon = memchr(text, ':', length);
		why = read_name(url, text, colon != NULL ? (size_t)(colon - text) : length);
	}
	if (why == NULL && colon != NULL)
		why = read_port(url, colon + 1, (size_t)(end - colon) - 1);
	return why;
}

int ush_url_parse(struct ush_url *url, const char *text, enum ush_code code, struct ush_error *err)
{
	const char *at = text, *why;
	size_t authority;

	*url = (struct ush_url){0};
	if (strlen(text) > URL_MAX)
		return refuse(text, code, "is longer than 8 KiB", err);
	why = read_scheme(url, &at);
	if (why == NULL)
		why = bad_bytes(at);
	authority = strcspn(at, "/?");
	if (why == NULL)
		why = read_authority(url, at, authority);
	if (why == NULL && strpbrk(at + authority, "[]") != NULL)
		why = "has a byte that is not allowed in a URL";
	if (why != NULL)
		return refuse(text, code, why, err);
	at += authority;
	url->path = ush_printf("%s%s", *at == '/' ? "" : "/", at);
	return 0;
}

void ush_url_free(struct ush_url *url)
{
	free(url->path);
	url->path = NULL;
}

char *ush_url_authority(const struct ush_url *url)
{
	bool six = strchr(url->host, ':') != NULL,
	     usual = url->port == (strcmp(url->scheme, "https") == 0 ? 443U : 80U);
	USH_AUTO_FREE char *port = usual ? ush_strdup("") : ush_printf(":%u", url->port);

	return ush_printf("%s%s%s%s", six ? "[" : "", url->host, six ? "]" : "", port);
}

char *ush_url_text(const struct ush_url *url)
{
	USH_AUTO_FREE char *authority = ush_url_authority(url);

	return ush_printf("%s://%s%s", url->scheme, authority, url->path);
}

int ush_url_encode(struct ush_buf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		char piece[3] = {'%', hex[*p >> 4], hex[*p & 15]};

		if (is_word((char)*p) || strchr("-._~", *p) != NULL) {
			if (ush_buf_add(out, p, 1) != 0)
				return -1;
		} else if (ush_buf_add(out, piece, sizeof piece) != 0) {
			return -1;
		}
	}
	return 0;
}

int ush_form_add(struct ush_buf *form, const char *key, const char *value)
{
	if (form->length > 0 && ush_buf_puts(form, "&") != 0)
		return -1;
	return ush_url_encode(form, key) != 0 || ush_buf_puts(form, "=") != 0 || ush_url_encode(form, value) != 0 ? -1
														  : 0;
}
