/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/ldap_name.h"

#include <glib.h>
#include <ldap.h>
#include <string.h>
#include <strings.h>

#include "common/base/memory.h"

#define GUID_BYTES 16
#define SID_HEAD   8 /* revision, count of numbers, six bytes of authority */
#define SID_MOST   15

static void free_dn(LDAPDN *dn)
{
	if (*dn != NULL)
		ldap_dnfree(*dn);
}
#define AUTO_DN __attribute__((cleanup(free_dn))) LDAPDN

static LDAPDN parse(const char *text)
{
	LDAPDN dn = NULL;

	if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		return NULL;
	return dn;
}

static size_t rdn_count(LDAPDN dn)
{
	size_t count = 0;

	while (dn != NULL && dn[count] != NULL)
		count++;
	return count;
}

bool ush_ldap_is_text(const char *data, size_t length)
{
	return length > 0 && memchr(data, '\0', length) == NULL && ush_text_is_utf8(data, length);
}

/* ---- a key ---- */

static const struct {
	const char *oid, *name, *long_name;
} types[] = { /* RFC 4514 section 3 */
	{"2.5.4.3", "cn", "commonname"},
	{"2.5.4.7", "l", "localityname"},
	{"2.5.4.8", "st", "stateorprovincename"},
	{"2.5.4.10", "o", "organizationname"},
	{"2.5.4.11", "ou", "organizationalunitname"},
	{"2.5.4.6", "c", "countryname"},
	{"2.5.4.9", "street", "streetaddress"},
	{"0.9.2342.19200300.100.1.25", "dc", "domaincomponent"},
	{"0.9.2342.19200300.100.1.1", "uid", "userid"},
};

static void add_type(struct ush_buf *out, const struct berval *type)
{
	USH_AUTO_FREE char *name = ush_strndup(type->bv_val, type->bv_len);

	for (char *c = name; *c != '\0'; c++)
		*c = (char)g_ascii_tolower(*c);
	for (size_t i = 0; i < USH_COUNT(types); i++) {
		if (strcmp(name, types[i].oid) == 0 || strcmp(name, types[i].long_name) == 0) {
			ush_buf_puts(out, types[i].name);
			return;
		}
	}
	ush_buf_puts(out, name);
}

/* Letter case folded, composed, outer blanks dropped and inner ones counted as one (RFC 4518 in what matters here). */
static void add_folded(struct ush_buf *out, const struct berval *value)
{
	char *folded, *whole;
	bool blank = false, begun = false;

	if (value->bv_len > 0 && !ush_ldap_is_text(value->bv_val, value->bv_len)) { /* a NUL would end it early */
		for (size_t i = 0; i < value->bv_len; i++)
			ush_buf_printf(out, "\\%02x", (unsigned char)value->bv_val[i]);
		return;
	}
	folded = g_utf8_casefold(value->bv_val, (gssize)value->bv_len);
	whole = g_utf8_normalize(folded, -1, G_NORMALIZE_ALL_COMPOSE);
	for (const char *c = whole != NULL ? whole : folded; *c != '\0'; c++) {
		if (*c == ' ') {
			blank = begun;
			continue;
		}
		if (blank)
			ush_buf_add(out, " ", 1);
		blank = false;
		begun = true;
		if (strchr("\\,+=", *c) != NULL)
			ush_buf_add(out, "\\", 1);
		ush_buf_add(out, c, 1);
	}
	g_free(folded);
	g_free(whole);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_rdn(struct ush_buf *out, LDAPRDN rdn)
{
	char **parts = NULL;
	size_t count = 0;

	for (size_t i = 0; rdn[i] != NULL; i++) {
		struct ush_buf part = {0};

		add_type(&part, &rdn[i]->la_attr);
		ush_buf_add(&part, "=", 1);
		add_folded(&part, &rdn[i]->la_value);
		USH_PUSH(parts, count, ush_buf_take(&part));
	}
	if (count > 1)
		qsort(parts, count, sizeof *parts, by_text);
	for (size_t i = 0; i < count; i++) {
		ush_buf_printf(out, "%s%s", i > 0 ? "+" : "", parts[i]);
		free(parts[i]);
	}
	free(parts);
}

static char *key_from(LDAPDN dn, size_t from)
{
	struct ush_buf out = {0};

	for (size_t i = from; i < rdn_count(dn); i++) {
		if (i > from)
			ush_buf_add(&out, ",", 1);
		add_rdn(&out, dn[i]);
	}
	return ush_buf_take(&out);
}

char *ush_ldap_dn_key(const char *dn)
{
	AUTO_DN parsed = parse(dn);

	return parsed != NULL || *dn == '\0' ? key_from(parsed, 0) : NULL;
}

/* ---- a path ---- */

static bool add_value(struct ush_buf *out, const struct berval *value)
{
	if (!ush_ldap_is_text(value->bv_val, value->bv_len))
		return false;
	for (size_t i = 0; i < value->bv_len; i++) {
		char c = value->bv_val[i];

		if (c == '/' || c == '\\')
			ush_buf_printf(out, "\\%02X", (unsigned int)c);
		else
			ush_buf_add(out, &c, 1);
	}
	return true;
}

char *ush_ldap_dn_path(const char *dn, const char *base)
{
	AUTO_DN entry = parse(dn), top = parse(base);
	size_t count = rdn_count(entry), below;
	USH_AUTO_FREE char *above = NULL, *want = NULL;
	USH_AUTO_BUF out = {0};

	if (count == 0 || count < rdn_count(top) || (top == NULL && *base != '\0'))
		return NULL;
	below = count - rdn_count(top);
	above = key_from(entry, below);
	want = key_from(top, 0);
	if (strcmp(above, want) != 0)
		return NULL;
	for (size_t i = below > 0 ? below : 1; i-- > 0;) {
		for (size_t j = 0; entry[i][j] != NULL; j++) {
			ush_buf_puts(&out, j == 0 ? "/" : "+");
			if (!add_value(&out, &entry[i][j]->la_value))
				return NULL;
		}
	}
	return ush_buf_take(&out);
}

bool ush_ldap_dn_begins(const char *dn, const char *attribute, const char *value)
{
	AUTO_DN parsed = parse(dn);
	struct berval type = {strlen(attribute), (char *)attribute}, text = {strlen(value), (char *)value};
	USH_AUTO_BUF want = {0};
	bool found = false;

	add_type(&want, &type);
	ush_buf_add(&want, "=", 1);
	add_folded(&want, &text);
	for (size_t i = 0; parsed != NULL && parsed[0] != NULL && parsed[0][i] != NULL && !found; i++) {
		USH_AUTO_BUF part = {0};

		add_type(&part, &parsed[0][i]->la_attr);
		ush_buf_add(&part, "=", 1);
		add_folded(&part, &parsed[0][i]->la_value);
		found = strcmp(part.data, want.data) == 0;
	}
	return found;
}

/* ---- Active Directory's ids ---- */

char *ush_ldap_guid(const void *bytes, size_t length)
{
	static const unsigned char order[GUID_BYTES] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	const unsigned char *b = bytes;
	struct ush_buf out = {0};

	if (length != GUID_BYTES)
		return NULL;
	for (size_t i = 0; i < GUID_BYTES; i++)
		ush_buf_printf(&out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[order[i]]);
	return ush_buf_take(&out);
}

bool ush_ldap_sid_rid(const void *bytes, size_t length, uint32_t *rid)
{
	const unsigned char *b = bytes;

	if (length < SID_HEAD + 4 || b[0] != 1 || b[1] < 1 || b[1] > SID_MOST || length != SID_HEAD + 4U * b[1])
		return false;
	b += length - 4;
	*rid = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

char *ush_ldap_sid_sibling(const void *bytes, size_t length, uint32_t rid)
{
	const unsigned char *b = bytes;
	struct ush_buf out = {0};
	uint32_t own;

	if (!ush_ldap_sid_rid(bytes, length, &own))
		return NULL;
	for (size_t i = 0; i < length - 4; i++)
		ush_buf_printf(&out, "%02x", b[i]);
	ush_buf_printf(&out, "%02x%02x%02x%02x", rid & 0xff, rid >> 8 & 0xff, rid >> 16 & 0xff, rid >> 24);
	return ush_buf_take(&out);
}

/* ---- filters and ranges ---- */

void ush_ldap_escape(struct ush_buf *filter, const void *value, size_t length)
{
	const unsigned char *b = value;

	for (size_t i = 0; i < length; i++) {
		if (g_ascii_isalnum((char)b[i]) || (b[i] != '\0' && strchr(" ,=-_.@:", b[i]) != NULL))
			ush_buf_add(filter, &b[i], 1);
		else
			ush_buf_printf(filter, "\\%02x", b[i]);
	}
}

static bool number(const char **text, uint64_t *out)
{
	char *end;

	if (!g_ascii_isdigit(**text))
		return false;
	*out = g_ascii_strtoull(*text, &end, 10);
	if (end - *text > 18)
		return false;
	*text = end;
	return true;
}

bool ush_ldap_range_read(const char *description, const char *attribute, struct ush_ldap_range *range)
{
	size_t length = strlen(attribute);
	const char *rest = description;

	*range = (struct ush_ldap_range){0};
	if (strncasecmp(description, attribute, length) != 0 || strncasecmp(description + length, ";range=", 7) != 0)
		return false;
	rest += length + 7;
	if (!number(&rest, &range->first) || *rest++ != '-')
		return false;
	if (strcmp(rest, "*") == 0) {
		range->last_one = true;
		return true;
	}
	return number(&rest, &range->last) && *rest == '\0' && range->last >= range->first;
}
