/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "tests/support/certificate.h"
#include "tests/support/tap.h"
#include "tests/support/tls_server.h"

static struct ush_http_client *client;
static struct ush_http_response response;
static struct ush_error err;
static struct certificate *ca, *other_ca;

static void start(void)
{
	signal(SIGPIPE, SIG_IGN);
	client = ush_http_client_new();
	ca = certificate_new(&(struct certificate_wish){.name = "Test CA", .ca = true});
	other_ca = certificate_new(&(struct certificate_wish){.name = "Other CA", .ca = true});
}

static void stop(void)
{
	ush_http_client_free(client);
	ush_http_response_free(&response);
	certificate_free(ca);
	certificate_free(other_ca);
}

static int ask(struct tls_server *server, const char *host, struct ush_http_request request)
{
	USH_AUTO_FREE char *url = ush_printf("https://%s:%u/", host, tls_server_port(server));

	request.url = url;
	request.timeout_ms = 20000;
	err = (struct ush_error){0};
	return ush_http_exchange(client, &request, &response, &err);
}

static void answered(const char *member, const char *value)
{
	struct ush_error bad = {0};
	USH_AUTO_JSON seen = ush_json_parse(response.body.data, response.body.length, "answer", USH_ERR_REJECTED, &bad);

	ck_assert_pstr_eq(ush_json_string(seen, member), value);
}

static void failed(int result, enum ush_code code, const char *why)
{
	ck_assert_int_eq(result, -1);
	ck_assert_msg(err.code == code, "code %d: %s", (int)err.code, err.what);
	ck_assert_msg(strstr(err.what, why) != NULL, "wanted \"%s\", got \"%s\"", why, err.what);
}

static struct certificate *leaf_of(const struct certificate *issuer, const char *san)
{
	return certificate_new(&(struct certificate_wish){.name = "leaf", .san = san, .issuer = issuer});
}

START_TEST(a_server_of_the_given_ca_is_asked)
{
	struct certificate *leaf;
	struct tls_server *server;

	start();
	leaf = leaf_of(ca, "IP:127.0.0.1,DNS:localhost");
	server = tls_server_start(&(struct tls_server_wish){.certificate = leaf});
	ck_assert_msg(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem}) == 0, "%s", err.what);
	ck_assert_int_eq(response.status, 200);
	ck_assert_msg(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem}) == 0, "%s", err.what);
	ck_assert_uint_eq(tls_server_connections(server), 1);
	ck_assert_msg(ask(server, "localhost", (struct ush_http_request){.ca_pem = ca->pem, .ca_only = true}) == 0,
		      "%s", err.what);
	answered("sni", "localhost");
	tls_server_stop(server);
	certificate_free(leaf);
	stop();
}
END_TEST

/* A server with that certificate must not get a byte of HTTP from a client that trusts `trusted`. */
static void is_not_trusted(struct certificate *leaf, const struct certificate *trusted, const char *why)
{
	struct tls_server *server = tls_server_start(&(struct tls_server_wish){.certificate = leaf});

	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = trusted != NULL ? trusted->pem : NULL}),
	       USH_ERR_UNAVAILABLE, why);
	ck_assert_uint_eq(tls_server_requests(server), 0);
	ck_assert_uint_eq(tls_server_connections(server), 1);
	tls_server_stop(server);
	certificate_free(leaf);
}

START_TEST(a_bad_certificate_ends_the_exchange_before_http) /* T16 in part, P17 */
{
	static const char here[] = "IP:127.0.0.1";

	start();
	is_not_trusted(leaf_of(ca, here), NULL, "127.0.0.1:");
	is_not_trusted(leaf_of(ca, here), NULL, "certificate is not trusted (");
	is_not_trusted(leaf_of(ca, here), other_ca, "unable to get local issuer certificate");
	is_not_trusted(leaf_of(NULL, here), ca, "self-signed certificate");
	is_not_trusted(leaf_of(ca, "IP:127.0.0.2"), ca, "not made for this name");
	is_not_trusted(leaf_of(ca, "DNS:127.0.0.1"), ca, "not made for this name");
	is_not_trusted(leaf_of(ca, "DNS:*"), ca, "not made for this name");
	is_not_trusted(certificate_new(&(struct certificate_wish){
			       .name = "old", .san = here, .issuer = ca, .from = -7200, .until = -3600}),
		       ca, "certificate has expired by this machine's clock, where it is 20");
	is_not_trusted(certificate_new(&(struct certificate_wish){
			       .name = "young", .san = here, .issuer = ca, .from = 3600, .until = 7200}),
		       ca, "certificate is not yet valid by this machine's clock, where it is 20");
	is_not_trusted(certificate_new(
			       &(struct certificate_wish){.name = "weak", .san = here, .issuer = ca, .rsa_bits = 1024}),
		       ca, "too weak");
	is_not_trusted(certificate_new(
			       &(struct certificate_wish){.name = "sha1", .san = here, .issuer = ca, .digest = "SHA1"}),
		       ca, "too weak");
	stop();
}
END_TEST

START_TEST(old_protocol_versions_are_refused)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};
	struct certificate *leaf;

	start();
	leaf = leaf_of(ca, "IP:127.0.0.1");
	for (size_t i = 0; i < USH_COUNT(versions); i++) {
		struct tls_server *server =
			tls_server_start(&(struct tls_server_wish){.certificate = leaf, .most_version = versions[i]});

		failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem}), USH_ERR_UNAVAILABLE,
		       "127.0.0.1:");
		ck_assert_uint_eq(tls_server_requests(server), 0);
		tls_server_stop(server);
	}
	certificate_free(leaf);
	stop();
}
END_TEST

START_TEST(an_open_connection_is_not_lent_to_who_does_not_trust_it)
{
	struct certificate *leaf;
	struct tls_server *server;

	start();
	leaf = leaf_of(ca, "IP:127.0.0.1");
	server = tls_server_start(&(struct tls_server_wish){.certificate = leaf});
	ck_assert_int_eq(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem}), 0);
	failed(ask(server, "127.0.0.1", (struct ush_http_request){0}), USH_ERR_UNAVAILABLE, "not trusted");
	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = other_ca->pem}), USH_ERR_UNAVAILABLE,
	       "not trusted");
	ck_assert_uint_eq(tls_server_requests(server), 1);
	ck_assert_uint_eq(tls_server_connections(server), 3);
	tls_server_stop(server);
	certificate_free(leaf);
	stop();
}
END_TEST

START_TEST(another_name_can_be_verified)
{
	struct certificate *leaf;
	struct tls_server *server;
	USH_AUTO_FREE char *host = NULL;

	start();
	leaf = leaf_of(ca, "DNS:api.internal");
	server = tls_server_start(&(struct tls_server_wish){.certificate = leaf});
	host = ush_printf("127.0.0.1:%u", tls_server_port(server));
	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem, .ca_only = true}),
	       USH_ERR_UNAVAILABLE, "not made for this name");
	ck_assert_msg(ask(server, "127.0.0.1",
			  (struct ush_http_request){
				  .ca_pem = ca->pem, .ca_only = true, .tls_server_name = "api.internal"}) == 0,
		      "%s", err.what);
	answered("sni", "api.internal");
	answered("host", host);
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){.ca_pem = ca->pem, .tls_server_name = "other.internal"}),
	       USH_ERR_UNAVAILABLE, "not made for this name");
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){.ca_pem = ca->pem, .tls_server_name = "evil.example/x"}),
	       USH_ERR_CONFIG, "no host name");
	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem, .tls_server_name = "a@b"}),
	       USH_ERR_CONFIG, "no host name");
	ck_assert_uint_eq(tls_server_requests(server), 1);
	tls_server_stop(server);
	certificate_free(leaf);
	stop();
}
END_TEST

/* The key under a passphrase: somebody would have to type it. */
static char *encrypted(const struct certificate *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *out;
	long length;

	PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, EVP_aes_128_cbc(), "swordfish", 9, NULL, NULL);
	length = BIO_get_mem_data(bio, &data);
	out = ush_strndup(data, (size_t)length);
	BIO_free(bio);
	return out;
}

START_TEST(a_client_certificate_is_shown)
{
	struct certificate *leaf, *person, *other;
	struct ush_secret *key, *wrong, *locked;
	struct tls_server *server;
	USH_AUTO_FREE char *locked_text = NULL;

	start();
	leaf = leaf_of(ca, "IP:127.0.0.1");
	person = certificate_new(&(struct certificate_wish){.name = "carol", .issuer = ca});
	other = certificate_new(&(struct certificate_wish){.name = "mallory", .issuer = ca});
	locked_text = encrypted(person);
	key = ush_secret_new(person->key_pem, strlen(person->key_pem));
	wrong = ush_secret_new(other->key_pem, strlen(other->key_pem));
	locked = ush_secret_new(locked_text, strlen(locked_text));
	server = tls_server_start(&(struct tls_server_wish){.certificate = leaf, .client_ca = ca});
	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ca->pem}), USH_ERR_UNAVAILABLE,
	       "127.0.0.1:");
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){
			   .ca_pem = ca->pem, .client_cert_pem = person->pem, .client_key_pem = wrong}),
	       USH_ERR_CONFIG, "client certificate");
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){
			   .ca_pem = ca->pem, .client_cert_pem = person->pem, .client_key_pem = locked}),
	       USH_ERR_CONFIG, "client certificate");
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){.ca_pem = ca->pem, .client_cert_pem = "garbage", .client_key_pem = key}),
	       USH_ERR_CONFIG, "client certificate");
	ck_assert_uint_eq(tls_server_requests(server), 0);
	ck_assert_msg(ask(server, "127.0.0.1",
			  (struct ush_http_request){
				  .ca_pem = ca->pem, .client_cert_pem = person->pem, .client_key_pem = key}) == 0,
		      "%s", err.what);
	answered("client", "carol");
	tls_server_stop(server);
	ush_secret_free(key), ush_secret_free(wrong), ush_secret_free(locked);
	certificate_free(leaf), certificate_free(person), certificate_free(other);
	stop();
}
END_TEST

START_TEST(a_ca_that_cannot_be_read_is_a_fault_of_the_configuration)
{
	struct certificate *leaf;
	struct tls_server *server;

	start();
	leaf = leaf_of(ca, "IP:127.0.0.1");
	server = tls_server_start(&(struct tls_server_wish){.certificate = leaf});
	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = ""}), USH_ERR_CONFIG, "no PEM certificate");
	failed(ask(server, "127.0.0.1", (struct ush_http_request){.ca_pem = "garbage", .ca_only = true}),
	       USH_ERR_CONFIG, "no PEM certificate");
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){.ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
					     .ca_only = true}),
	       USH_ERR_CONFIG, "CA certificates");
	failed(ask(server, "127.0.0.1",
		   (struct ush_http_request){.ca_pem =
						     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
	       USH_ERR_CONFIG, "CA certificates");
	tls_server_stop(server);
	certificate_free(leaf);
	stop();
}
END_TEST

TAP_MAIN("tls", a_server_of_the_given_ca_is_asked, a_bad_certificate_ends_the_exchange_before_http,
	 old_protocol_versions_are_refused, an_open_connection_is_not_lent_to_who_does_not_trust_it,
	 another_name_can_be_verified, a_client_certificate_is_shown,
	 a_ca_that_cannot_be_read_is_a_fault_of_the_configuration)
