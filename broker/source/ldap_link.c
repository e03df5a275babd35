/* SPDX-License-Identifier: Apache-2.0
 *
 * Connecting, TLS, binding.
 *
 * The library takes one file of CAs. The system's and the policy's together go into one that lies in memory alone.
 */
#include <ldap.h>
#include <openldap.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/source/credential.h"
#include "broker/source/ldap.h"
#include "broker/source/ldap_root.h"
#include "broker/source/ldap_socket.h"
#include "broker/source/record.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"

#define CA_MOST (16U << 20)

static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

/* ---- the address ---- */

struct address {
	bool tls, loopback;
	char *url; /* "ldaps://host:port" */
	char host[256];
	unsigned int port;
};

static int bad_url(const char *text, const char *why, struct ush_error *err)
{
	ush_fail(err, USH_ERR_CONFIG, "url: \"%.200s\" %s", text, why);
	return ush_hint(err, "Write ldaps://HOST, or ldap://HOST with startTLS: true");
}

/* Host and port are read as those of a web address: no user, no address in disguise. */
static int read_address(const struct ush_policy_source *source, struct address *out, struct ush_error *err)
{
	const char *text = ush_source_text(source, "url"), *rest = strstr(text, "://");
	bool tls = strncmp(text, "ldaps://", 8) == 0;
	USH_AUTO_FREE char *as_http = NULL;
	USH_AUTO_URL url = {0};
	struct ush_error why = {0};
	size_t length = strlen(text);

	if (rest == NULL || (!tls && strncmp(text, "ldap://", 7) != 0))
		return bad_url(text, "is no ldaps:// or ldap:// address", err);
	as_http = ush_printf("https%s", rest);
	if (ush_url_parse(&url, as_http, USH_ERR_CONFIG, &why) != 0)
		return bad_url(text, "is no address of a server", err);
	if (strcmp(url.path, "/") != 0)
		return bad_url(text, "has more than a host and a port", err);
	while (text[length - 1] == '/')
		length--;
	*out = (struct address){.tls = tls, .loopback = url.loopback, .url = ush_strndup(text, length)};
	out->port = url.port_given ? url.port : tls ? LDAPS_PORT : LDAP_PORT;
	snprintf(out->host, sizeof out->host, "%s", url.host);
	return 0;
}

static int check_tls(const struct ush_policy_source *source, const struct address *address, struct ush_error *err)
{
	bool start = ush_source_flag(source, "startTLS");

	if (address->tls && start)
		return ush_fail(err, USH_ERR_CONFIG, "url is ldaps:// already: startTLS is for ldap://");
	if (address->tls || start || (address->loopback && ush_source_flag(source, "allowLoopbackPlain")))
		return 0;
	ush_fail(err, USH_ERR_CONFIG, "url: without TLS the secret and the groups would cross the network for all to read and change");
	return ush_hint(err, address->loopback ? "Say startTLS: true, or allowLoopbackPlain: true to this machine" : "Write ldaps://HOST, or say startTLS: true");
}

static int check_dn(const struct ush_policy_source *source, const char *key, struct ush_error *err)
{
	const char *text = ush_source_text(source, key);
	LDAPDN dn = NULL;

	if (text == NULL)
		return 0;
	if (ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || dn == NULL) {
		ush_fail(err, USH_ERR_CONFIG, "%s: \"%.200s\" is no DN", key, text);
		return ush_hint(err, "For example ou=groups,dc=example,dc=com");
	}
	ldap_dnfree(dn);
	return 0;
}

int ush_ldap_check(const struct ush_policy_source *source, struct ush_error *err)
{
	struct address address = {0};
	const char *nesting = ush_source_text(source, "nesting"), *schema = ush_source_text(source, "schema");
	int64_t page = ush_source_number(source, "pageSize", USH_LDAP_PAGE);
	int result = read_address(source, &address, err);

	if (result == 0)
		result = check_tls(source, &address, err);
	free(address.url);
	if (result != 0 || check_dn(source, "groups.base", err) != 0 || check_dn(source, "people.base", err) != 0)
		return -1;
	if (page < 1 || page > 100000)
		return ush_fail(err, USH_ERR_CONFIG, "pageSize: 1 to 100000");
	if (nesting != NULL && strcmp(nesting, "in-chain") == 0 && strstr(schema, "ad") == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "nesting: in-chain is Active Directory's; schema %s has \"client\"", schema);
	return 0;
}

/* ---- TLS ---- */

static int system_bundle(struct ush_buf *all)
{
	for (size_t i = 0; i < USH_COUNT(bundles); i++) {
		struct ush_error none = {0};

		if (ush_file_read(bundles[i], USH_FILE_ANY, USH_ERR_CONFIG, all, NULL, &none) == 0)
			return 0;
	}
	return -1;
}

/* A file in memory with all CAs: *fd, to be closed when TLS is set up. */
static int gather_ca(const struct ush_policy_source *source, int *fd, struct ush_error *err)
{
	const char *path = ush_source_text(source, "ca");
	USH_AUTO_BUF all = USH_BUF_MAX(CA_MOST), own = USH_BUF_MAX(CA_MOST);

	if (system_bundle(&all) != 0 && path == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "ca: this machine has no list of CAs, and the policy names none");
	if (path != NULL && ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &own, NULL, err) != 0)
		return -1;
	if (path != NULL && (own.length == 0 || strstr(own.data, "-----BEGIN CERTIFICATE-----") == NULL))
		return ush_fail(err, USH_ERR_CONFIG, "%s: holds no certificate in PEM", path);
	ush_buf_puts(&all, "\n");
	if (own.length > 0)
		ush_buf_add(&all, own.data, own.length);
	*fd = memfd_create("usher-ca", MFD_CLOEXEC);
	if (*fd < 0 || ush_write_all(*fd, all.data, all.length) != 0)
		return ush_fail(err, USH_ERR_STORE, "no room for the CAs in memory");
	return 0;
}

static int set_tls(struct ush_ldap *l, int fd, struct ush_error *err)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (ldap_set_option(l->ld, LDAP_OPT_X_TLS_CACERTFILE, path) == 0 && ldap_set_option(l->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == 0 &&
	    ldap_set_option(l->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) == 0 && ldap_set_option(l->ld, LDAP_OPT_X_TLS_NEWCTX, &client) == 0)
		return 0;
	ush_fail(err, USH_ERR_CONFIG, "TLS could not be set up with these CAs");
	return ush_hint(err, "Check the source's ca: certificates in PEM");
}

/* A server that sends half an answer and stops must not hold a read: the library's polls have deadlines, its reads do not. */
static void limit(struct ush_ldap *l)
{
	ber_len_t most = USH_LDAP_MESSAGE_MOST;
	Sockbuf *socket = NULL;

	if (ldap_get_option(l->ld, LDAP_OPT_SOCKBUF, &socket) != 0 || socket == NULL)
		return;
	ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_NONBLOCK, (void *)1);
	ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &most);
}

static int64_t time_left(const struct ush_ldap *l)
{
	int64_t left = l->deadline - ush_boot_ms(l->world);

	return left < 1 ? 1 : left < USH_LDAP_CONNECT_MS ? left : USH_LDAP_CONNECT_MS;
}

/* What came of an operation that was begun as message id, unless code says that it was not. */
static int conclude(struct ush_ldap *l, int code, int id, const char *what, struct ush_error *err)
{
	LDAPMessage *answer;
	char *said = NULL;

	if (code != LDAP_SUCCESS)
		return ush_ldap_refused(l, what, code, NULL, err);
	answer = ush_ldap_wait(l, id, false, ush_boot_ms(l->world) + USH_LDAP_CONNECT_MS, what, err);
	if (answer == NULL)
		return -1;
	if (ldap_parse_result(l->ld, answer, &code, NULL, &said, NULL, NULL, 1) != LDAP_SUCCESS)
		code = LDAP_PROTOCOL_ERROR;
	if (code != LDAP_SUCCESS)
		ush_ldap_refused(l, what, code, said, err);
	ldap_memfree(said);
	return code != LDAP_SUCCESS ? -1 : 0;
}

static int start_tls(struct ush_ldap *l, const char *what, struct ush_error *err)
{
	int id = 0, code = ldap_start_tls(l->ld, NULL, NULL, &id);

	return conclude(l, code, id, what, err);
}

/* The library does not say what it does not like of a certificate. */
static int install_tls(struct ush_ldap *l, const char *what, struct ush_error *err)
{
	if (ldap_install_tls(l->ld) == LDAP_SUCCESS)
		return 0;
	ush_fail(err, USH_ERR_INCOMPLETE, "%s: TLS did not come about: the certificate is of a CA that is not known here, for another name or out of date", what);
	return ush_hint(err, "Name a CA of your own in ca; the host in url must be one that the certificate names");
}

/* ---- connecting ---- */

/* Without ldap.conf, ldaprc and LDAP* of the environment: they could turn verification off. */
static int initialize(LDAP **ld, int fd, const char *url)
{
	bool ours = getenv("LDAPNOINIT") == NULL;
	int code;

	if (ours)
		setenv("LDAPNOINIT", "1", 1);
	code = ldap_init_fd(fd, LDAP_PROTO_TCP, url, ld);
	if (ours)
		unsetenv("LDAPNOINIT");
	return code;
}

static int set_options(struct ush_ldap *l, struct ush_error *err)
{
	int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;

	if (ldap_set_option(l->ld, LDAP_OPT_PROTOCOL_VERSION, &version) == 0 && ldap_set_option(l->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == 0 &&
	    ldap_set_option(l->ld, LDAP_OPT_DEREF, &never) == 0)
		return 0;
	return ush_fail(err, USH_ERR_CONFIG, "the LDAP library does not take our options");
}

static int begin_tls(struct ush_ldap *l, int fd, const char *what, struct ush_error *err)
{
	int ca = -1, result = gather_ca(l->source, &ca, err);
	struct ush_ldap_watch *watch;

	if (result == 0)
		result = set_tls(l, ca, err);
	if (ca >= 0)
		close(ca);
	if (result != 0)
		return -1;
	watch = ush_ldap_watch_begin(fd, time_left(l));
	if (ush_source_flag(l->source, "startTLS"))
		result = start_tls(l, what, err);
	if (result == 0)
		result = install_tls(l, what, err);
	if (!ush_ldap_watch_end(watch))
		return result;
	ush_error_clear(err);
	l->retry = false;
	return ush_ldap_refused(l, what, LDAP_TIMEOUT, "TLS had not begun", err);
}

static int connect_to(struct ush_ldap *l, const struct address *address, struct ush_error *err)
{
	USH_AUTO_FREE char *what = ush_printf("connecting to %s", address->url);
	int fd = ush_ldap_socket(address->host, address->port, time_left(l), err);

	if (fd < 0) {
		l->retry = true;
		return ush_error_at(err, "%s", what);
	}
	if (initialize(&l->ld, fd, address->url) != LDAP_SUCCESS) {
		close(fd);
		return bad_url(address->url, "is not understood by the LDAP library", err);
	}
	if (set_options(l, err) != 0 || ((address->tls || ush_source_flag(l->source, "startTLS")) && begin_tls(l, fd, what, err) != 0))
		return -1;
	limit(l);
	return 0;
}

static int bind_as(struct ush_ldap *l, const struct ush_secret *secret, struct ush_error *err)
{
	const char *dn = ush_source_text(l->source, "bindDN");
	struct berval password = {ush_secret_length(secret), (char *)ush_secret_reveal(secret)};
	USH_AUTO_FREE char *what = dn != NULL ? ush_printf("signing in as %.200s", dn) : ush_strdup("signing in as nobody");
	int id = 0, code = ldap_sasl_bind(l->ld, dn != NULL ? dn : "", LDAP_SASL_SIMPLE, &password, NULL, NULL, &id);

	return conclude(l, code, id, what, err);
}

/* A name with an empty password is not that name to a server, but nobody (RFC 4513 section 5.1.2), and "success". */
static int read_secret(const struct ush_policy_source *source, struct ush_secret **secret, struct ush_error *err)
{
	bool named = ush_source_has(source, "bindDN");

	if (ush_credential_read(source, secret, err) != 0)
		return -1;
	if (named && ush_secret_length(*secret) == 0) {
		ush_fail(err, USH_ERR_CONFIG, "bindDN has no secret");
		return ush_hint(err, "Say one of secretFile, secretCommand, secretEnv, secretKeyring under sources.%s.ldap", source->name);
	}
	if (!named && *secret != NULL)
		return ush_fail(err, USH_ERR_CONFIG, "there is a secret and no bindDN: nobody would be asked for it");
	return 0;
}

static int connect_and_bind(struct ush_ldap *l, struct ush_error *err)
{
	USH_AUTO_SECRET secret = NULL;
	struct address address = {0};
	int result;

	if (read_secret(l->source, &secret, err) != 0 || read_address(l->source, &address, err) != 0)
		return -1;
	result = connect_to(l, &address, err);
	free(address.url);
	return result != 0 ? -1 : bind_as(l, secret, err);
}

int ush_ldap_open(struct ush_ldap *l, const struct ush_world *world, const struct ush_policy_source *source, int64_t deadline, struct ush_error *err)
{
	static const char *const none[] = {NULL};
	static const struct ush_ldap_search opening = {.what = "connecting", .base = "", .filter = "", .attributes = none};

	*l = (struct ush_ldap){.world = world, .source = source, .deadline = deadline};
	l->search_ms = ush_source_number(source, "searchTimeout", USH_LDAP_SEARCH_SECONDS) * 1000;
	l->page = (ber_int_t)ush_source_number(source, "pageSize", USH_LDAP_PAGE);
	if (ush_replaying(world)) {
		if (ush_ldap_tape_tell(l, &opening, err) != 0)
			return -1;
	} else {
		int result = connect_and_bind(l, err);

		if (ush_recorded(world) && (result == 0 || err->code != USH_ERR_CONFIG)) {
			USH_AUTO_JSON nothing = json_array();

			ush_ldap_tape_put(l, &opening, nothing, result != 0 ? err : NULL);
		}
		if (result != 0)
			return -1;
	}
	return ush_ldap_root_read(l, err);
}

void ush_ldap_close(struct ush_ldap *l)
{
	if (l->ld != NULL)
		ldap_unbind_ext(l->ld, NULL, NULL);
	free(l->context);
	*l = (struct ush_ldap){0};
}
