/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/server.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/serve/httpd.h"
#include "broker/source/credential.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#define CONNECTIONS   256
#define STRANGERS     160 /* of them; behind a proxy all are of one host, the provider with them */
#define OF_HOST	      80
#define FOR_NEW	      32 /* strangers for whom known clients that are idle make room */
#define HEADER_MAX    (64U << 10)
#define BODIES_MAX    (64U << 20)
#define STRANGER_MS   10000
#define KNOWN_MS      60000
#define CROWD_MS      60000 /* between two words about connections that had to go for others */
#define LOOK_MS       5000 /* at files that are changed beneath us: tokens, certificate */
#define PEM_MAX       (1U << 20)

/* ---- the log: a line on stderr ---- */

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	char raw[1024], line[1400];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	fprintf(stderr, "usher-broker: scim: %s\n", ush_text_line(line, sizeof line, raw));
}

static void trouble(struct ush_receiver *receiver, const struct ush_error *why)
{
	if (!receiver->troubled)
		say("%s%s%s. Until it can be written changes are answered with 503, for the provider to send again", why->what,
		    why->hint[0] != '\0' ? ". " : "", why->hint);
	receiver->troubled = true;
}

/* Those without a token may come as often as they like, and are told of once a second. */
static void tell_refused(struct ush_receiver *receiver, const struct ush_httpd_request *request, int status)
{
	int64_t now = ush_boot_ms(receiver->world);
	char peer[64];

	receiver->refused++;
	if (receiver->refused_ms != 0 && now - receiver->refused_ms < 1000)
		return;
	say("%d to %s, %zu since it was told last: %s", status, ush_httpd_peer(request, peer, sizeof peer), receiver->refused,
	    status == 401 ? "no token, or a wrong one" : "more requests than --max-rate");
	receiver->refused_ms = now;
	receiver->refused = 0;
}

static void tell_crowd(struct ush_receiver *receiver)
{
	int64_t now = ush_boot_ms(receiver->world);

	receiver->crowded_out += ush_httpd_crowded_out(receiver->serve);
	receiver->gave_way += ush_httpd_gave_way(receiver->serve);
	if (receiver->crowded_out + receiver->gave_way == 0 || (receiver->crowded_ms != 0 && now - receiver->crowded_ms < CROWD_MS))
		return;
	if (receiver->crowded_out > 0)
		say("more connections without a token than are kept: the oldest %zu were cut since it was told last", receiver->crowded_out);
	if (receiver->gave_way > 0)
		say("all %d connections are taken: %zu with a token that were idle for the longest gave way to new ones since it was told last", CONNECTIONS,
		    receiver->gave_way);
	receiver->crowded_ms = now;
	receiver->crowded_out = receiver->gave_way = 0;
}

static void tell_change(const struct ush_httpd_request *request, const struct ush_target *target, const struct ush_scim_answer *answer)
{
	const char *made = answer->status == 201 ? ush_json_string(answer->body, "id") : NULL;
	const char *detail = answer->status >= 400 ? ush_json_string(answer->body, "detail") : made;
	char peer[64];

	if (strcmp(request->method, "GET") != 0)
		say("%.16s %.200s: %d, for %s%s%s", request->method, target->path, answer->status, ush_httpd_peer(request, peer, sizeof peer), detail != NULL ? ": " : "",
		    detail != NULL ? detail : "");
}

/* ---- answers ---- */

static void put_json(struct ush_httpd_reply *reply, const json_t *body)
{
	reply->type = USH_SCIM_TYPE;
	reply->body = json_dumps(body, JSON_COMPACT);
	reply->length = reply->body != NULL ? strlen(reply->body) : 0;
}

static bool is_health(const struct ush_httpd_request *request)
{
	return strcmp(request->target, "/healthz") == 0 && strcmp(request->method, "GET") == 0;
}

/* Nobody who shows no token learns anything, not even which paths there are. */
static void admit(void *context, const struct ush_httpd_request *request, struct ush_httpd_reply *reply)
{
	struct ush_receiver *receiver = context;
	int status = is_health(request) ? 0 : ush_gate_check(&receiver->gate, receiver->world, ush_httpd_header(request, "Authorization"));

	reply->known = status == 0 && !is_health(request);
	if (status == 0)
		return;
	tell_refused(receiver, request, status);
	reply->status = status;
	if (status == 401) {
		ush_httpd_add_header(reply, "WWW-Authenticate", ush_strdup("Bearer"));
	} else {
		USH_AUTO_JSON body = ush_scim_error(status, NULL, "more requests than are taken; come again");

		ush_httpd_add_header(reply, "Retry-After", ush_strdup("1"));
		put_json(reply, body);
		reply->known = true;
	}
}

/* The address by which the client came, as far as it can be one. */
static char *base_of(const struct ush_receiver *receiver, const struct ush_httpd_request *request)
{
	const char *host = ush_httpd_header(request, "Host");
	bool good = host != NULL && *host != '\0' && strlen(host) < 256 &&
		    strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") == strlen(host);

	return ush_printf("%s://%s" USH_SCIM_BASE, receiver->plain ? "http" : "https", good ? host : ush_httpd_where(receiver->serve));
}

static void move(struct ush_httpd_reply *reply, struct ush_scim_answer *answer)
{
	reply->status = answer->status;
	if (answer->body != NULL)
		put_json(reply, answer->body);
	if (answer->location != NULL)
		ush_httpd_add_header(reply, "Location", ush_steal(&answer->location));
	if (answer->etag != NULL)
		ush_httpd_add_header(reply, "ETag", ush_steal(&answer->etag));
	if (answer->status == 503)
		ush_httpd_add_header(reply, "Retry-After", ush_strdup("5"));
}

static void answer_scim(struct ush_receiver *receiver, const struct ush_httpd_request *request, struct ush_httpd_reply *reply)
{
	USH_AUTO_FREE char *base = base_of(receiver, request);
	USH_AUTO_TARGET target = {0};
	struct ush_scim_answer answer = {0};
	struct ush_scim_request scim = {.method = request->method, .target = &target, .body = request->body, .length = request->length, .base = base,
					.type = ush_httpd_header(request, "Content-Type"), .if_match = ush_httpd_header(request, "If-Match"),
					.if_none_match = ush_httpd_header(request, "If-None-Match")};

	if (ush_target_read(&target, request->target) == 0) {
		ush_scim_serve(&receiver->room, receiver->world, &scim, &answer);
		tell_change(request, &target, &answer);
	} else {
		answer.status = 400;
		answer.body = ush_scim_error(400, "invalidSyntax", "the address is no path with a query");
	}
	move(reply, &answer);
	ush_scim_answer_free(&answer);
	/* what is read while changes wait for the disk has seen them, and waits with them */
	reply->held = receiver->room.pending.length > 0;
}

static void answer(void *context, const struct ush_httpd_request *request, struct ush_httpd_reply *reply)
{
	struct ush_receiver *receiver = context;

	if (!is_health(request)) {
		answer_scim(receiver, request, reply);
		return;
	}
	reply->status = ush_room_in_trouble(&receiver->room) ? 503 : 200;
	reply->type = "text/plain";
	reply->body = ush_strdup(reply->status == 200 ? "ok\n" : "cannot write the store\n");
}

static bool settle(void *context)
{
	struct ush_receiver *receiver = context;
	struct ush_error why = {0};

	if (ush_room_commit(&receiver->room, &why) == 0)
		return true;
	trouble(receiver, &why);
	return false;
}

static void spoilt(void *context, struct ush_httpd_reply *reply)
{
	USH_AUTO_JSON body = ush_scim_error(503, NULL, "the store cannot be written; nothing was changed, come again");

	(void)context;
	reply->status = 503;
	ush_httpd_add_header(reply, "Retry-After", ush_strdup("5"));
	put_json(reply, body);
}

/* ---- files that change beneath us ---- */

static bool changed(const char *path, char seen[64])
{
	struct stat st = {0};
	char now[64];

	if (path == NULL)
		return false;
	if (stat(path, &st) != 0)
		st.st_ino = 0;
	snprintf(now, sizeof now, "%llx %llx %lld.%09ld", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	if (strcmp(now, seen) == 0)
		return false;
	memcpy(seen, now, sizeof now);
	return true;
}

static int read_pem(const struct ush_receiver *receiver, struct ush_buf *cert, struct ush_secret **key, struct ush_error *err)
{
	return ush_file_read(receiver->cert_file, USH_FILE_ANY, USH_ERR_CONFIG, cert, NULL, err) == 0 && ush_credential_file(receiver->key_file, key, err) == 0 ? 0 : -1;
}

static void reload_pem(struct ush_receiver *receiver)
{
	USH_AUTO_BUF cert = USH_BUF_MAX(PEM_MAX);
	USH_AUTO_SECRET key = NULL;
	struct ush_error why = {0};

	if (read_pem(receiver, &cert, &key, &why) != 0 || ush_httpd_rekey(receiver->serve, cert.data, ush_secret_reveal(key), &why) != 0)
		say("the certificate there was stays: %s", why.what);
	else
		say("serves with the certificate that is in %s now", receiver->cert_file);
}

static void look(struct ush_receiver *receiver)
{
	bool cert = changed(receiver->cert_file, receiver->seen[1]), key = changed(receiver->key_file, receiver->seen[2]);
	struct ush_error why = {0};

	receiver->looked_ms = ush_boot_ms(receiver->world);
	if (changed(receiver->token_file, receiver->seen[0])) {
		if (ush_gate_read(&receiver->gate, receiver->token_file, &why) != 0)
			say("the tokens there were stay: %s", why.what);
		else
			say("takes %zu token%s from %s", receiver->gate.count, receiver->gate.count == 1 ? "" : "s", receiver->token_file);
	}
	if (cert || key)
		reload_pem(receiver);
}

void ush_receiver_reload(struct ush_receiver *receiver)
{
	memset(receiver->seen, 0, sizeof receiver->seen);
	look(receiver);
}

/* ---- life ---- */

static int listen_for(struct ush_receiver *receiver, struct ush_error *err)
{
	USH_AUTO_BUF cert = USH_BUF_MAX(PEM_MAX);
	USH_AUTO_SECRET key = NULL;
	struct ush_httpd_config config = {
		.listen = receiver->listen, .header_most = HEADER_MAX, .body_most = USH_SCIM_BODY_MAX, .bodies_most = BODIES_MAX, .connections = CONNECTIONS,
		.strangers = STRANGERS, .strangers_of_host = OF_HOST, .strangers_least = FOR_NEW, .stranger_ms = STRANGER_MS, .known_ms = KNOWN_MS,
		.context = receiver, .admit = admit, .answer = answer, .settle = settle, .spoilt = spoilt,
	};

	if (!receiver->plain) {
		if (read_pem(receiver, &cert, &key, err) != 0)
			return -1;
		config.cert = cert.data;
		config.key = ush_secret_reveal(key);
	}
	receiver->serve = ush_httpd_open(&config, receiver->world, err);
	return receiver->serve != NULL ? 0 : -1;
}

int ush_receiver_open(struct ush_receiver *receiver, const char *folder, struct ush_error *err)
{
	struct ush_store *store = &receiver->room.store;

	receiver->room.lock = receiver->room.log = -1;
	changed(receiver->token_file, receiver->seen[0]);
	changed(receiver->cert_file, receiver->seen[1]);
	changed(receiver->key_file, receiver->seen[2]);
	if (ush_gate_read(&receiver->gate, receiver->token_file, err) != 0 || ush_room_open(&receiver->room, folder, err) != 0 || listen_for(receiver, err) != 0)
		return -1;
	if (receiver->room.dropped > 0)
		say("the server before ended while it wrote: %zu bytes that nobody was answered about are dropped", receiver->room.dropped);
	say("serves %s://%s" USH_SCIM_BASE " from %s: %zu users, %zu groups%s", receiver->plain ? "http" : "https", ush_httpd_where(receiver->serve), folder,
	    store->users, store->groups, receiver->room.provisioned ? "" : "; incomplete until --provisioned is said");
	return 0;
}

static void tick(struct ush_receiver *receiver)
{
	struct ush_error why = {0};

	if (ush_room_tick(&receiver->room, receiver->world, &why) != 0) {
		trouble(receiver, &why);
	} else if (receiver->troubled && !ush_room_in_trouble(&receiver->room)) {
		say("the store can be written again");
		receiver->troubled = false;
	}
	tell_crowd(receiver);
	if (ush_boot_ms(receiver->world) - receiver->looked_ms >= LOOK_MS)
		look(receiver);
}

void ush_receiver_run(struct ush_receiver *receiver, int wake)
{
	struct pollfd over = {.fd = wake, .events = POLLIN};

	receiver->looked_ms = ush_boot_ms(receiver->world);
	while (poll(&over, 1, 0) <= 0) {
		ush_httpd_turn(receiver->serve, ush_room_patience(&receiver->room, ush_boot_ms(receiver->world), 1000), wake);
		tick(receiver);
	}
}

int ush_receiver_close(struct ush_receiver *receiver, struct ush_error *err)
{
	int result;

	ush_httpd_close(ush_steal(&receiver->serve));
	result = receiver->room.folder != NULL ? ush_room_close(&receiver->room, err) : 0;
	ush_gate_free(&receiver->gate);
	return result;
}
