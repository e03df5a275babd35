/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/naming.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

#define SLUG_MAX 40 /* bytes of a role's name kept in a binding's name */

static void sha256(const void *data, size_t length, unsigned char out[32])
{
	if (EVP_Digest(data, length, out, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* OpenSSL without SHA-256 */
}

void ush_sha256_hex(const void *data, size_t length, char out[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[32];

	sha256(data, length, digest);
	for (size_t i = 0; i < 2 * sizeof digest; i++)
		out[i] = digits[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	out[2 * sizeof digest] = '\0';
}

const char *ush_name_leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

const char *ush_name_said(const struct ush_policy *policy, const char *id, const char *name, const char *path)
{
	return policy->group_name == USH_GROUP_ID ? id : policy->group_name == USH_GROUP_PATH ? path : name;
}

char *ush_name_group(const struct ush_policy *policy, const char *id, const char *name, const char *path)
{
	char *text = ush_printf("%s%s", policy->group_prefix, ush_name_said(policy, id, name, path));

	for (char *p = text + strlen(policy->group_prefix); policy->lower_case && *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return text;
}

bool ush_name_refers(const char *wanted, const char *id, const char *name, const char *path, enum ush_group_name how)
{
	if (*wanted == '/')
		return strcmp(wanted, path) == 0;
	return strcmp(wanted, name) == 0 || (how == USH_GROUP_ID && strcmp(wanted, id) == 0);
}

bool ush_name_deceives(const char *text)
{
	size_t length = strlen(text), n;
	unsigned int c;

	for (; length > 0; text += n, length -= n) {
		n = ush_text_code_point(text, length, &c);
		if (n == 0 || ush_text_deceives(c))
			return true;
	}
	return false;
}

const char *ush_name_group_refused(const char *text)
{
	if (*text == '\0')
		return "is empty";
	if (strcmp(text, "*") == 0)
		return "is everybody";
	if (strncasecmp(text, "system:", 7) == 0)
		return "begins with system:, which is Kubernetes' own";
	if (ush_name_deceives(text))
		return "holds a control or invisible character";
	if (strlen(text) > 1024)
		return "is longer than 1024 bytes";
	return NULL;
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

const char *ush_name_not_label(const char *text)
{
	size_t length = strlen(text);

	if (strcmp(text, "*") == 0)
		return "is every namespace; name them one by one";
	if (length == 0 || length > 63)
		return length == 0 ? "is empty" : "is longer than 63 characters";
	if (!is_alphanumeric(text[0]) || !is_alphanumeric(text[length - 1]))
		return "must begin and end with a-z or 0-9";
	for (size_t i = 0; i < length; i++)
		if (!is_alphanumeric(text[i]) && text[i] != '-')
			return "may hold a-z, 0-9 and - only";
	return NULL;
}

const char *ush_name_not_subdomain(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 253)
		return length == 0 ? "is empty" : "is longer than 253 characters";
	for (size_t i = 0; i < length; i++) {
		bool edge = i == 0 || i == length - 1 || text[i - 1] == '.' || text[i + 1] == '.';

		if (!is_alphanumeric(text[i]) && ((text[i] != '-' && text[i] != '.') || edge))
			return "is no DNS name (a-z, 0-9, - and . inside)";
	}
	return NULL;
}

const char *ush_name_not_object(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 253)
		return length == 0 ? "is empty" : "is longer than 253 characters";
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strpbrk(text, "/%") != NULL)
		return "leads elsewhere";
	return NULL;
}

const char *ush_name_not_segment(const char *text)
{
	const char *why = ush_name_not_object(text);

	if (why != NULL && strcmp(why, "leads elsewhere") != 0)
		return why;
	return why != NULL || strchr(text, '*') != NULL || ush_name_deceives(text) ? "cannot be the name of an object" : NULL;
}

static const char *not_label_word(const char *text, size_t length) /* a value, or a key after its slash */
{
	if (length == 0 || length > 63)
		return length == 0 ? "is empty" : "is longer than 63 characters";
	for (size_t i = 0; i < length; i++) {
		bool letter = is_alphanumeric(text[i]) || (text[i] >= 'A' && text[i] <= 'Z');

		if (!letter && (i == 0 || i == length - 1 || strchr("-_.", text[i]) == NULL))
			return "is no word of a label (letters, digits, and -, _ or . inside)";
	}
	return NULL;
}

const char *ush_name_not_label_key(const char *text)
{
	const char *slash = strchr(text, '/');
	USH_AUTO_FREE char *domain = slash != NULL ? ush_strndup(text, (size_t)(slash - text)) : NULL;

	if (domain != NULL && ush_name_not_subdomain(domain) != NULL)
		return "has no DNS name in front of its slash";
	return not_label_word(slash != NULL ? slash + 1 : text, strlen(slash != NULL ? slash + 1 : text));
}

const char *ush_name_not_label_value(const char *text)
{
	return *text == '\0' ? NULL : not_label_word(text, strlen(text));
}

char *ush_name_binding(const char *policy, const char *role_kind, const char *role_name)
{
	USH_AUTO_FREE char *all = ush_printf("%s/%s/%s", policy, role_kind, role_name);
	USH_AUTO_FREE char *slug = ush_strndup(role_name, strnlen(role_name, SLUG_MAX));
	char hex[65];

	for (char *p = slug; *p != '\0'; p++)
		if (!is_alphanumeric(*p))
			*p = '-';
	ush_sha256_hex(all, strlen(all), hex);
	return ush_printf("usher-%s-%.8s", slug, hex);
}

char *ush_name_applyset(const char *name, const char *namespace_name, const char *kind, const char *group)
{
	USH_AUTO_FREE char *all = ush_printf("%s.%s.%s.%s", name, namespace_name, kind, group);
	unsigned char digest[32];
	char base64[48];

	sha256(all, strlen(all), digest);
	EVP_EncodeBlock((unsigned char *)base64, digest, sizeof digest); /* 44 characters, one '=' at the end */
	base64[43] = '\0';
	for (char *p = base64; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return ush_printf("applyset-%s-v1", base64);
}
