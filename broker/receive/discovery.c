/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/discovery.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"

/* ---- attributes ---- */

enum { MANY = 1, NEEDED = 2, EXACT = 4, UNIQUE = 8, FIXED = 16 };

struct attribute {
	const char *name, *type;
	unsigned int flags;
	const struct attribute *parts;
};

static const struct attribute name_parts[] = {
	{"formatted", "string"}, {"familyName", "string"}, {"givenName", "string"}, {"middleName", "string"},
	{"honorificPrefix", "string"}, {"honorificSuffix", "string"}, {NULL},
};
static const struct attribute value_parts[] = {{"value", "string"}, {"display", "string"}, {"type", "string"}, {"primary", "boolean"}, {NULL}};
static const struct attribute address_parts[] = {
	{"formatted", "string"}, {"streetAddress", "string"}, {"locality", "string"}, {"region", "string"},
	{"postalCode", "string"}, {"country", "string"}, {"type", "string"}, {"primary", "boolean"}, {NULL},
};
static const struct attribute member_parts[] = {
	{"value", "string", EXACT | FIXED}, {"$ref", "reference", EXACT | FIXED}, {"type", "string", FIXED}, {"display", "string", FIXED}, {NULL},
};
static const struct attribute manager_parts[] = {{"value", "string"}, {"$ref", "reference", EXACT}, {"displayName", "string"}, {NULL}};

static const struct attribute user[] = {
	{"userName", "string", NEEDED | UNIQUE},
	{"name", "complex", 0, name_parts},
	{"displayName", "string"},
	{"nickName", "string"},
	{"profileUrl", "reference", EXACT},
	{"title", "string"},
	{"userType", "string"},
	{"preferredLanguage", "string"},
	{"locale", "string"},
	{"timezone", "string"},
	{"active", "boolean"},
	{"emails", "complex", MANY, value_parts},
	{"phoneNumbers", "complex", MANY, value_parts},
	{"addresses", "complex", MANY, address_parts},
	{"roles", "complex", MANY, value_parts},
	{NULL},
};
static const struct attribute group[] = {{"displayName", "string", NEEDED | UNIQUE}, {"members", "complex", MANY, member_parts}, {NULL}};
static const struct attribute enterprise[] = {
	{"employeeNumber", "string"}, {"costCenter", "string"}, {"organization", "string"}, {"division", "string"},
	{"department", "string"}, {"manager", "complex", 0, manager_parts}, {NULL},
};

static const struct {
	const char *urn, *name, *description;
	const struct attribute *attributes;
} schemas[] = {
	{USH_SCIM_USER_URN, "User", "Somebody who may be in groups", user},
	{USH_SCIM_GROUP_URN, "Group", "A group whose grants the policy says", group},
	{USH_SCIM_ENTERPRISE_URN, "EnterpriseUser", "Kept and told, and used for nothing", enterprise},
};

static json_t *attributes_json(const struct attribute *rows)
{
	json_t *list = json_array();

	for (; rows->name != NULL; rows++) {
		json_t *one = json_pack("{s:s, s:s, s:b, s:b, s:s, s:s}", "name", rows->name, "type", rows->type, "multiValued", (rows->flags & MANY) != 0, "required",
					(rows->flags & NEEDED) != 0, "mutability", (rows->flags & FIXED) != 0 ? "immutable" : "readWrite", "returned", "default");

		if (strcmp(rows->type, "complex") == 0) {
			json_object_set_new(one, "subAttributes", attributes_json(rows->parts));
		} else if (strcmp(rows->type, "boolean") != 0) {
			json_object_set_new(one, "caseExact", json_boolean(rows->flags & EXACT));
			json_object_set_new(one, "uniqueness", json_string((rows->flags & UNIQUE) != 0 ? "server" : "none"));
		}
		if (strcmp(rows->type, "reference") == 0)
			json_object_set_new(one, "referenceTypes", json_pack("[s]", strcmp(rows->name, "$ref") == 0 ? "User" : "external"));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *schema_json(size_t i, const char *base)
{
	USH_AUTO_FREE char *location = ush_printf("%s/Schemas/%s", base, schemas[i].urn);

	return json_pack("{s:[s], s:s, s:s, s:s, s:o, s:{s:s, s:s}}", "schemas", "urn:ietf:params:scim:schemas:core:2.0:Schema", "id", schemas[i].urn, "name",
			 schemas[i].name, "description", schemas[i].description, "attributes", attributes_json(schemas[i].attributes), "meta", "resourceType", "Schema",
			 "location", location);
}

/* ---- the other documents ---- */

static json_t *type_json(size_t i, const char *base)
{
	bool user_type = i == 0;
	USH_AUTO_FREE char *location = ush_printf("%s/ResourceTypes/%s", base, schemas[i].name);
	json_t *type = json_pack("{s:[s], s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "schemas", "urn:ietf:params:scim:schemas:core:2.0:ResourceType", "id", schemas[i].name,
				 "name", schemas[i].name, "endpoint", user_type ? "/Users" : "/Groups", "schema", schemas[i].urn, "meta", "resourceType", "ResourceType",
				 "location", location);

	if (user_type)
		json_object_set_new(type, "schemaExtensions", json_pack("[{s:s, s:b}]", "schema", USH_SCIM_ENTERPRISE_URN, "required", 0));
	return type;
}

static json_t *config_json(const char *base)
{
	USH_AUTO_FREE char *location = ush_printf("%s/ServiceProviderConfig", base);

	return json_pack("{s:[s], s:{s:b}, s:{s:b, s:i, s:i}, s:{s:b, s:i}, s:{s:b}, s:{s:b}, s:{s:b}, s:[{s:s, s:s, s:s, s:b}], s:{s:s, s:s}}", "schemas",
			 "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig", "patch", "supported", 1, "bulk", "supported", 0, "maxOperations", 0,
			 "maxPayloadSize", 0, "filter", "supported", 1, "maxResults", USH_SCIM_PAGE_MAX, "changePassword", "supported", 0, "sort", "supported", 0,
			 "etag", "supported", 1, "authenticationSchemes", "type", "oauthbearertoken", "name", "Bearer token", "description",
			 "The token of the file that the server was given (RFC 6750)", "primary", 1, "meta", "resourceType", "ServiceProviderConfig", "location", location);
}

json_t *ush_scim_listed(json_t *rows, size_t total, size_t start)
{
	return json_pack("{s:[s], s:I, s:I, s:I, s:o}", "schemas", "urn:ietf:params:scim:api:messages:2.0:ListResponse", "totalResults", (json_int_t)total, "startIndex",
			 (json_int_t)start, "itemsPerPage", (json_int_t)json_array_size(rows), "Resources", rows);
}

/* "/Schemas" is all of them, "/Schemas/ID" one. */
static json_t *one_or_all(const char *path, const char *base, const char *under, size_t count, json_t *(*make)(size_t, const char *), bool by_urn)
{
	size_t length = strlen(under);
	json_t *rows;

	if (strncmp(path, under, length) != 0 || (path[length] != '\0' && path[length] != '/'))
		return NULL;
	for (size_t i = 0; path[length] == '/' && i < count; i++)
		if (strcasecmp(path + length + 1, by_urn ? schemas[i].urn : schemas[i].name) == 0)
			return make(i, base);
	if (path[length] == '/')
		return NULL;
	rows = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, make(i, base));
	return ush_scim_listed(rows, count, 1);
}

json_t *ush_scim_discovery(const char *path, const char *base)
{
	json_t *found;

	if (strcmp(path, "/ServiceProviderConfig") == 0)
		return config_json(base);
	found = one_or_all(path, base, "/Schemas", USH_COUNT(schemas), schema_json, true);
	return found != NULL ? found : one_or_all(path, base, "/ResourceTypes", 2, type_json, false);
}
