/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of sources and what may be said about each.
 */
#include "broker/policy/settings.h"

/* ---- what many kinds share ---- */

static const struct ush_setting_row every[] = {
	{"canaries.groups", USH_SETTING_LIST, false, NULL, "groups that every complete reading has"},
	{"canaries.people", USH_SETTING_LIST, false, NULL, "people that every complete reading has in some group"},
	{"include", USH_SETTING_LIST, false, NULL, "patterns of the groups to take, all unless said"},
	{"exclude", USH_SETTING_LIST, false, NULL, "patterns of the groups to leave out"},
	{"timeout", USH_SETTING_DURATION, false, NULL, "how long a whole reading may take, 15m unless said"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row https[] = {
	{"ca", USH_SETTING_PATH, false, NULL, "certificate authorities in PEM, added to the system's"},
	{"proxy", USH_SETTING_TEXT, false, NULL, "URL of the proxy to ask through"},
	{"allowLoopbackHttp", USH_SETTING_FLAG, false, NULL, "plain http to this machine"},
	{"budget", USH_SETTING_DURATION, false, NULL, "how long to wait in all when the provider says \"too many requests\", 5m unless said"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row secret[] = {
	{"secretFile", USH_SETTING_PATH, false, NULL, "file that holds the secret"},
	{"secretCommand", USH_SETTING_LIST, false, NULL, "program and arguments that print the secret"},
	{"secretEnv", USH_SETTING_TEXT, false, NULL, "environment variable that holds the secret"},
	{"secretKeyring", USH_SETTING_MAP, false, NULL, "attributes of the secret in the keyring"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row federated[] = {
	{"federatedTokenFile", USH_SETTING_PATH, false, NULL, "projected ServiceAccount token to sign in with, instead of a secret"},
	{NULL, 0, false, NULL, NULL}};

/* ---- the kinds ---- */

static const struct ush_setting_row file[] = {
	{"path", USH_SETTING_PATH, true, NULL, "the file"},
	{"format", USH_SETTING_CHOICE, false, "csv|json|yaml", "what it is, by its suffix unless said"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row command[] = {
	{"command", USH_SETTING_LIST, true, NULL, "program and arguments that print groups as JSON"},
	{"revoke", USH_SETTING_LIST, false, NULL, "program and arguments that end what a person has, for offboard; the name is its last argument, and 4 says that there is nobody of that name"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row keycloak[] = {
	{"url", USH_SETTING_URL, true, NULL, "where Keycloak is, without /realms"},
	{"realm", USH_SETTING_TEXT, true, NULL, "the realm"},
	{"client", USH_SETTING_TEXT, true, NULL, "client whose service account may see users and groups"},
	{"tokenClient", USH_SETTING_TEXT, false, NULL, "client by which people sign in to the cluster, so that offboard can tell how long its ID tokens live"},
	{"peopleName", USH_SETTING_CHOICE, false, "username|email|id", "what a person is called"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row ldap[] = {
	{"url", USH_SETTING_TEXT, true, NULL, "ldaps://HOST, or ldap://HOST with startTLS"},
	{"startTLS", USH_SETTING_FLAG, false, NULL, "begin TLS on a plain connection"},
	{"ca", USH_SETTING_PATH, false, NULL, "certificate authorities in PEM, added to the system's"},
	{"allowLoopbackPlain", USH_SETTING_FLAG, false, NULL, "ldap:// without TLS to this machine"},
	{"searchTimeout", USH_SETTING_DURATION, false, NULL, "how long one search may take, all its pages, 60s unless said"},
	{"bindDN", USH_SETTING_TEXT, false, NULL, "who asks; nobody unless said"},
	{"schema", USH_SETTING_CHOICE, true, "rfc2307|rfc2307bis|ad|augmented-ad", "how groups name their members"},
	{"groups.base", USH_SETTING_TEXT, true, NULL, "where groups are"},
	{"groups.filter", USH_SETTING_TEXT, false, NULL, "which entries are groups, as the schema has it unless said"},
	{"groups.id", USH_SETTING_TEXT, false, NULL, "attribute that never changes: entryUUID, objectGUID"},
	{"groups.name", USH_SETTING_TEXT, false, NULL, "attribute that names a group"},
	{"groups.member", USH_SETTING_TEXT, false, NULL, "attribute that lists members"},
	{"people.base", USH_SETTING_TEXT, false, NULL, "where people are, as for groups unless said"},
	{"people.filter", USH_SETTING_TEXT, false, NULL, "which entries are people"},
	{"people.name", USH_SETTING_TEXT, false, NULL, "attribute that names a person"},
	{"nesting", USH_SETTING_CHOICE, false, "none|client|in-chain", "groups in groups: not followed, followed here, or by the server (Active Directory)"},
	{"pageSize", USH_SETTING_NUMBER, false, NULL, "entries a page, 500 unless said"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row okta[] = {
	{"url", USH_SETTING_URL, true, NULL, "https://ORG.okta.com"},
	{"client", USH_SETTING_TEXT, false, NULL, "OAuth client with okta.groups.read; the secret is then its private key in PEM, else an API token"},
	{"keyId", USH_SETTING_TEXT, false, NULL, "id of that key at Okta"},
	{"app", USH_SETTING_TEXT, false, NULL, "only groups that are assigned to this application"},
	{"search", USH_SETTING_TEXT, false, NULL, "Okta's search expression, to be asked for less"},
	{"peopleName", USH_SETTING_CHOICE, false, "login|email|id", "what a person is called"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row entra[] = {
	{"tenant", USH_SETTING_TEXT, true, NULL, "id or domain of the tenant"},
	{"client", USH_SETTING_TEXT, true, NULL, "application with GroupMember.Read.All"},
	{"authority", USH_SETTING_URL, false, NULL, "where tokens come from, https://login.microsoftonline.com unless said"},
	{"url", USH_SETTING_URL, false, NULL, "Microsoft Graph, https://graph.microsoft.com unless said"},
	{"filter", USH_SETTING_TEXT, false, NULL, "OData filter of groups, to be asked for less"},
	{"deltaFile", USH_SETTING_PATH, false, NULL,
	 "file that keeps what was read, so that the next reading asks for changes alone; a filter can then only be of the form id eq '...'"},
	{"peopleName", USH_SETTING_CHOICE, false, "userPrincipalName|mail|id", "what a person is called"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row google[] = { /* the secret is the service account's key, JSON as Google gives it */
	{"subject", USH_SETTING_TEXT, true, NULL, "administrator on whose behalf the service account reads"},
	{"customer", USH_SETTING_TEXT, false, NULL, "the customer, my_customer unless said"},
	{"domain", USH_SETTING_TEXT, false, NULL, "only groups of this domain"},
	{"query", USH_SETTING_TEXT, false, NULL, "Google's group query, to be asked for less"},
	{"url", USH_SETTING_URL, false, NULL, "the Directory API, https://admin.googleapis.com unless said"},
	{"tokenUrl", USH_SETTING_URL, false, NULL, "where tokens come from, as the key says unless said"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row github[] = {
	{"organization", USH_SETTING_TEXT, true, NULL, "the organization whose teams are groups"},
	{"url", USH_SETTING_URL, false, NULL, "the API, https://api.github.com unless said"},
	{"app", USH_SETTING_TEXT, false, NULL, "id of a GitHub App with Members: read, whose private key is the secret; without it the secret is a token"},
	{"installation", USH_SETTING_TEXT, false, NULL, "id of the App's installation in the organization"},
	{"cacheFile", USH_SETTING_PATH, false, NULL, "file that keeps answers and their ETags, so that what is unchanged costs nothing (for a token; an App's change each hour)"},
	{"people", USH_SETTING_PATH, false, NULL, "CSV file \"login,name\" that says what people are called elsewhere"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row gitlab[] = {
	{"group", USH_SETTING_TEXT, false, NULL, "only this group and those under it, by full path"},
	{"url", USH_SETTING_URL, false, NULL, "where GitLab is, https://gitlab.com unless said"},
	{"peopleName", USH_SETTING_CHOICE, false, "username|email|id", "what a person is called"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row scim[] = {
	{"url", USH_SETTING_URL, true, NULL, "the base that /Groups and /Users are under"},
	{"filter", USH_SETTING_TEXT, false, NULL, "SCIM filter of groups, to be asked for less"},
	{"peopleName", USH_SETTING_CHOICE, false, "userName|email|externalId|id", "what a person is called"},
	{NULL, 0, false, NULL, NULL}};

static const struct ush_setting_row authentik[] = {
	{"url", USH_SETTING_URL, true, NULL, "where authentik is"},
	{"peopleName", USH_SETTING_CHOICE, false, "username|email|uid", "what a person is called"},
	{"inherit", USH_SETTING_FLAG, false, NULL, "count members of the groups under a group as its own; authentik's tokens name a person's direct groups alone"},
	{NULL, 0, false, NULL, NULL}};

#define TABLES(...) ((const struct ush_setting_row *const[]){__VA_ARGS__, every, NULL})

#define SECRETS "secretFile|secretCommand|secretEnv|secretKeyring"
static const char *const one_secret[] = {SECRETS, NULL}, *const maybe_secret[] = {"?" SECRETS, NULL},
			 *const one_proof[] = {SECRETS "|federatedTokenFile", NULL};

const struct ush_source_kind ush_source_kinds[] = {
	{"file", "a CSV, JSON or YAML file", TABLES(file)},
	{"command", "a program that prints groups as JSON", TABLES(command)},
	{"keycloak", "Keycloak's admin REST", TABLES(keycloak, https, secret), one_secret},
	{"ldap", "LDAP and Active Directory", TABLES(ldap, secret), maybe_secret},
	{"okta", "Okta", TABLES(okta, https, secret), one_secret},
	{"entra", "Microsoft Entra ID, by Graph", TABLES(entra, https, secret, federated), one_proof},
	{"google",
	 "Google Workspace, by the Directory API; the secret is a service account's key in JSON, or with federatedTokenFile the configuration of a"
	 " workload identity pool",
	 TABLES(google, https, secret, federated), one_secret},
	{"github", "teams of a GitHub organization", TABLES(github, https, secret), maybe_secret},
	{"gitlab", "GitLab groups", TABLES(gitlab, https, secret), maybe_secret},
	{"scim", "a SCIM 2.0 server", TABLES(scim, https, secret), maybe_secret},
	{"authentik", "authentik", TABLES(authentik, https, secret), maybe_secret},
	{NULL, NULL, NULL}};
