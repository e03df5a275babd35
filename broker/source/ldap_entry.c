/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/ldap_entry.h"

#include <string.h>
#include <strings.h>

#include "broker/source/ldap_name.h"
#include "common/base/memory.h"
#include "common/data/json.h"

void ush_ldap_entry_free(struct ush_ldap_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		for (size_t j = 0; j < entry->attributes[i].count; j++)
			free(entry->attributes[i].values[j].data);
		free(entry->attributes[i].values);
		free(entry->attributes[i].name);
	}
	free(entry->attributes);
	free(entry->dn);
	*entry = (struct ush_ldap_entry){0};
}

static struct ush_ldap_attribute *find(const struct ush_ldap_entry *entry, const char *attribute)
{
	for (size_t i = entry->count; i-- > 0;)
		if (strcasecmp(entry->attributes[i].name, attribute) == 0)
			return &entry->attributes[i];
	return NULL;
}

void ush_ldap_entry_add(struct ush_ldap_entry *entry, const char *attribute, const void *data, size_t length)
{
	struct ush_ldap_attribute *found = find(entry, attribute);
	struct ush_ldap_value value = {ush_alloc(length + 1), length};

	if (found == NULL) {
		USH_PUSH(entry->attributes, entry->count, ((struct ush_ldap_attribute){.name = ush_strdup(attribute)}));
		found = &entry->attributes[entry->count - 1];
	}
	if (data == NULL) {
		free(value.data);
		return;
	}
	memcpy(value.data, data, length);
	USH_PUSH(found->values, found->count, value);
}

const struct ush_ldap_attribute *ush_ldap_entry_get(const struct ush_ldap_entry *entry, const char *attribute)
{
	return find(entry, attribute);
}

bool ush_ldap_entry_has(const struct ush_ldap_entry *entry, const char *attribute, const char *value)
{
	const struct ush_ldap_attribute *found = find(entry, attribute);

	for (size_t i = 0; found != NULL && i < found->count; i++)
		if (found->values[i].length == strlen(value) && strcasecmp(found->values[i].data, value) == 0)
			return true;
	return false;
}

char *ush_ldap_text(const struct ush_ldap_entry *entry, const char *attribute)
{
	const struct ush_ldap_attribute *found = find(entry, attribute);
	const char *best = NULL;
	bool from_rdn = false;

	for (size_t i = 0; found != NULL && i < found->count; i++) {
		const char *text = found->values[i].data;
		bool rdn;

		if (!ush_ldap_is_text(text, found->values[i].length))
			continue;
		rdn = found->count > 1 && ush_ldap_dn_begins(entry->dn, attribute, text);
		if (best != NULL && (rdn == from_rdn ? strcmp(text, best) >= 0 : from_rdn))
			continue;
		best = text;
		from_rdn = rdn;
	}
	return ush_strdup(best);
}

/* ---- recordings: {"dn": ..., "attributes": {NAME: [TEXT or {"hex": ...}]}} ---- */

static json_t *value_to_json(const struct ush_ldap_value *value)
{
	USH_AUTO_BUF hex = {0};

	if (value->length == 0 || ush_ldap_is_text(value->data, value->length))
		return json_stringn(value->data, value->length);
	for (size_t i = 0; i < value->length; i++)
		ush_buf_printf(&hex, "%02x", (unsigned char)value->data[i]);
	return json_pack("{s:s}", "hex", hex.data);
}

json_t *ush_ldap_entry_to_json(const struct ush_ldap_entry *entry)
{
	json_t *attributes = json_object();

	for (size_t i = 0; i < entry->count; i++) {
		json_t *values = json_array();

		for (size_t j = 0; j < entry->attributes[i].count; j++)
			json_array_append_new(values, value_to_json(&entry->attributes[i].values[j]));
		json_object_set_new(attributes, entry->attributes[i].name, values);
	}
	return json_pack("{s:s, s:o}", "dn", entry->dn, "attributes", attributes);
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static int add_json(struct ush_ldap_entry *entry, const char *name, const json_t *value)
{
	const char *hex = ush_json_string(value, "hex");
	size_t length = hex != NULL ? strlen(hex) / 2 : 0;
	USH_AUTO_FREE char *bytes = ush_alloc(length + 1);

	if (json_is_string(value)) {
		ush_ldap_entry_add(entry, name, json_string_value(value), json_string_length(value));
		return 0;
	}
	if (hex == NULL)
		return -1;
	for (size_t i = 0; i < length; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (char)(high << 4 | low);
	}
	ush_ldap_entry_add(entry, name, bytes, length);
	return 0;
}

int ush_ldap_entry_from_json(struct ush_ldap_entry *entry, const json_t *json)
{
	const char *dn = ush_json_string(json, "dn"), *name;
	json_t *values, *value;
	size_t i;

	*entry = (struct ush_ldap_entry){.dn = ush_strdup(dn)};
	if (dn == NULL)
		return -1;
	json_object_foreach(json_object_get(json, "attributes"), name, values) {
		ush_ldap_entry_add(entry, name, NULL, 0);
		json_array_foreach(values, i, value)
			if (add_json(entry, name, value) != 0)
				return -1;
	}
	return 0;
}
