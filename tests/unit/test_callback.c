/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flow/flow.h"
#include "tests/support/tap.h"
#include "tests/support/visit.h"

#define STATE  "s-0123456789abcdefghijklmnopqrstuvwxyz-ABCDE"
#define ISSUER "https://login.example.com"
#define TARGET "https://login.example.com/auth?response_type=code&state=" STATE

/* ---- a world with a clock that a test may make run faster ---- */

static _Atomic int64_t ahead_ms;
static int64_t per_look_ms; /* what each look at the clock costs */
static bool asked_to_end;

static int64_t clock_now(void *context)
{
	struct timespec t;

	(void)context;
	ahead_ms += per_look_ms;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + ahead_ms;
}

static int no_sleep(void *context, int64_t ms)
{
	(void)context;
	(void)ms;
	return asked_to_end ? -1 : 0;
}

static void random_bytes(void *context, void *out, size_t size)
{
	(void)context;
	ck_assert_int_eq(getrandom(out, size, 0), (ssize_t)size);
}

static const struct ush_world world = {NULL, clock_now, clock_now, no_sleep, random_bytes, NULL};

/* ---- a listener, and a visitor on a thread ---- */

struct scene {
	struct ush_callback *callback;
	unsigned int port;
	const char *start_path;
	struct ush_secret *code;
	struct ush_error err;
};

static void begin(struct scene *scene, bool iss_required)
{
	signal(SIGPIPE, SIG_IGN);
	*scene = (struct scene){0};
	scene->callback = ush_callback_start(&world, &scene->err);
	ck_assert_ptr_nonnull(scene->callback);
	ush_callback_expect(scene->callback, TARGET, STATE, ISSUER, iss_required);
	scene->port = visit_port(ush_callback_redirect_uri(scene->callback));
	scene->start_path = visit_target(ush_callback_start_url(scene->callback));
}

static int listen_for(struct scene *scene, int64_t ms)
{
	return ush_callback_wait(scene->callback, clock_now(NULL) + ms, &scene->code, &scene->err);
}

static void end(struct scene *scene)
{
	ush_callback_free(scene->callback);
	ush_secret_free(scene->code);
}

struct visitor {
	unsigned int port;
	const char *target;
	int status;
	char *answer;
	pthread_t thread;
};

static void *go(void *context)
{
	struct visitor *visitor = context;

	visitor->status = visit(visitor->port, "GET", visitor->target, NULL, &visitor->answer);
	return NULL;
}

static void send_visitor(struct visitor *visitor, const struct scene *scene, const char *target)
{
	*visitor = (struct visitor){.port = scene->port, .target = target};
	ck_assert_int_eq(pthread_create(&visitor->thread, NULL, go, visitor), 0);
}

static void meet(struct visitor *visitor)
{
	pthread_join(visitor->thread, NULL);
}

#define GOOD "/callback?code=c-1&state=" STATE

/* ---- the good way ---- */

START_TEST(the_right_answer_ends_the_wait_and_the_page_comes_after_the_exchange)
{
	struct scene scene;
	struct visitor visitor;

	begin(&scene, false);
	send_visitor(&visitor, &scene, GOOD);
	ck_assert_int_eq(listen_for(&scene, 60000), 0);
	ck_assert_str_eq(ush_secret_reveal(scene.code), "c-1");
	ck_assert_int_eq(visitor.status, 0); /* no answer yet */
	ush_callback_finish(scene.callback, true);
	meet(&visitor);
	ck_assert_int_eq(visitor.status, 200);
	ck_assert_ptr_nonnull(strstr(visitor.answer, "<h1>Signed in</h1>"));
	ck_assert_ptr_nonnull(strstr(visitor.answer, "Content-Security-Policy: default-src 'none'"));
	free(visitor.answer);
	end(&scene);
}
END_TEST

START_TEST(the_page_does_not_claim_success_when_the_exchange_failed)
{
	struct scene scene;
	struct visitor visitor;

	begin(&scene, false);
	send_visitor(&visitor, &scene, GOOD);
	ck_assert_int_eq(listen_for(&scene, 60000), 0);
	end(&scene); /* without finish: what a failing caller does */
	meet(&visitor);
	ck_assert_int_eq(visitor.status, 200);
	ck_assert_ptr_nonnull(strstr(visitor.answer, "Not signed in"));
	free(visitor.answer);
}
END_TEST

static void *start_twice(void *context)
{
	struct scene *scene = context;
	USH_AUTO_FREE char *answer = NULL;
	USH_AUTO_FREE char *location = NULL;
	intptr_t bad = 0;

	bad |= visit(scene->port, "HEAD", scene->start_path, NULL, NULL) != 405;
	bad |= visit(scene->port, "GET", scene->start_path, NULL, &answer) != 302;
	location = visit_header(answer, "Location");
	bad |= location == NULL || strcmp(location, TARGET) != 0;
	bad |= (visit(scene->port, "GET", scene->start_path, NULL, NULL) != 410) << 1;
	bad |= (visit(scene->port, "GET", "/start/guess", NULL, NULL) != 404) << 2;
	visit(scene->port, "GET", GOOD, NULL, NULL);
	return (void *)bad;
}

START_TEST(the_start_link_leads_to_the_provider_once)
{
	struct scene scene;
	pthread_t thread;
	void *bad = NULL;

	begin(&scene, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, start_twice, &scene), 0);
	ck_assert_int_eq(listen_for(&scene, 60000), 0);
	ush_callback_finish(scene.callback, true);
	pthread_join(thread, &bad);
	ck_assert_int_eq((intptr_t)bad, 0);
	end(&scene);
}
END_TEST

START_TEST(two_listeners_have_different_ports_and_start_links)
{
	struct scene one, two;

	begin(&one, false);
	begin(&two, false);
	ck_assert_uint_ne(one.port, two.port);
	ck_assert_str_ne(one.start_path, two.start_path);
	ck_assert_uint_ge(strlen(one.start_path), strlen("/start/") + 43);
	end(&one);
	end(&two);
}
END_TEST

START_TEST(only_the_literal_loopback_address_is_listened_on)
{
	struct sockaddr_in other = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct scene scene;

	begin(&scene, false);
	other.sin_port = htons((uint16_t)scene.port);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&other, sizeof other), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	close(fd);
	end(&scene);
}
END_TEST

/* ---- T21: what is not the answer changes nothing ---- */

struct junk {
	const char *method, *target, *headers; /* %u is the port; NULL headers: the right Host */
	int status;                            /* 0: any 4xx */
};

static const struct junk junk[] = {
	{"GET", "/", NULL, 404},
	{"GET", "/favicon.ico", NULL, 404},
	{"GET", "/callback", NULL, 400},
	{"GET", "/callback?code=evil", NULL, 400},
	{"GET", "/callback?code=evil&state=", NULL, 400},
	{"GET", "/callback?code=evil&state=wrong", NULL, 400},
	{"GET", "/callback?code=evil&state=" STATE "x", NULL, 400},
	{"GET", "/callback?code=evil&state=S" STATE, NULL, 400},
	{"GET", "/callback?state=" STATE, NULL, 400},
	{"GET", "/callback?code=&state=" STATE, NULL, 400},
	{"GET", "/callback?code=a&code=b&state=" STATE, NULL, 400},
	{"GET", "/callback?code=a&state=" STATE "&state=" STATE, NULL, 400},
	{"GET", "/callback?code=a%00b&state=" STATE, NULL, 400},
	{"GET", "/callback?code=a&error=b&state=" STATE, NULL, 400},
	{"GET", "/callback?error=access_denied", NULL, 400},
	{"GET", "/callback?error=access_denied&state=wrong", NULL, 400},
	{"GET", "/callback/?code=evil&state=" STATE, NULL, 404},
	{"GET", "/Callback?code=evil&state=" STATE, NULL, 404},
	{"GET", "//callback?code=evil&state=" STATE, NULL, 404},
	{"POST", GOOD, NULL, 405},
	{"PUT", GOOD, NULL, 405},
	{"HEAD", GOOD, NULL, 405},
	{"OPTIONS", GOOD, NULL, 405},
	{"BREW", GOOD, NULL, 405},
	{"GET", GOOD, "Host: evil.example\r\n", 403},
	{"GET", GOOD, "Host: localhost:%u\r\n", 403},
	{"GET", GOOD, "Host: 127.0.0.1\r\n", 403},
	{"GET", GOOD, "Host: 127.0.0.1:%u.evil.example\r\n", 403},
	{"GET", GOOD, "Host: 127.0.0.1:%u\r\nHost: evil.example\r\n", 0},
	{"GET", GOOD, "X-None: 1\r\n", 0},
	{"GET", GOOD, "Host: 127.0.0.1:%u\r\nOrigin: https://evil.example\r\n", 403},
	{"GET", GOOD, "Host: 127.0.0.1:%u\r\nOrigin: null\r\n", 403},
	{"GET", GOOD, "Host: 127.0.0.1:%u\r\nOrigin: https://login.example.com\r\n", 403},
	{"GET", GOOD, "Host: 127.0.0.1:%u\r\norigin:\r\n", 0},
};

/* The first junk that was answered otherwise than wanted, or NULL. */
static const struct junk *throw_junk(unsigned int port, size_t i)
{
	const struct junk *j = &junk[i % USH_COUNT(junk)];
	USH_AUTO_FREE char *headers = NULL;
	const char *mark = j->headers != NULL ? strstr(j->headers, "%u") : NULL;
	int status;

	if (mark != NULL)
		headers = ush_printf("%.*s%u%s", (int)(mark - j->headers), j->headers, port, mark + 2);
	else
		headers = ush_strdup(j->headers);
	status = visit(port, j->method, j->target, headers, NULL);
	return (j->status != 0 ? status == j->status : status >= 400 && status < 500) ? NULL : j;
}

#define STORM 10000
#define SLOW  40

static void *storm(void *context)
{
	const struct scene *scene = context;
	const struct junk *wrong = NULL;
	int slow[SLOW];

	for (size_t i = 0; i < SLOW; i++) /* these never end their request */
		slow[i] = visit_send(scene->port, "GET " GOOD " HTTP/1.1\r\nHost: 127");
	for (size_t i = 0; i < STORM && wrong == NULL; i++)
		wrong = throw_junk(scene->port, i);
	visit(scene->port, "GET", GOOD, NULL, NULL);
	for (size_t i = 0; i < SLOW; i++)
		close(slow[i]);
	return (void *)(uintptr_t)wrong;
}

/* T21 */
START_TEST(ten_thousand_junk_requests_get_4xx_and_the_real_one_still_counts)
{
	struct scene scene;
	pthread_t thread;
	void *wrong = NULL;
	const struct junk *j;

	begin(&scene, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, storm, &scene), 0);
	ck_assert_msg(listen_for(&scene, 600000) == 0, "%s", scene.err.what);
	ush_callback_finish(scene.callback, true);
	pthread_join(thread, &wrong);
	j = wrong;
	ck_assert_msg(j == NULL, "%s %s %s", j != NULL ? j->method : "", j != NULL ? j->target : "",
		      j != NULL && j->headers != NULL ? j->headers : "");
	ck_assert_str_eq(ush_secret_reveal(scene.code), "c-1");
	end(&scene);
}
END_TEST

static void *drip(void *context)
{
	const struct scene *scene = context;
	int slow[200];

	for (size_t i = 0; i < USH_COUNT(slow); i++) /* more than the listener takes at once */
		slow[i] = visit_send(scene->port, "GET /callback HTTP/1.1\r\nHost: 127");
	for (size_t i = 0; i < USH_COUNT(slow); i++)
		(void)!send(slow[i], "0", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (visit(scene->port, "GET", GOOD, NULL, NULL) != 200)
		; /* the clock runs so fast that a good one may be late too; a browser would be told and try again */
	for (size_t i = 0; i < USH_COUNT(slow); i++)
		close(slow[i]);
	return NULL;
}

/* T21: a byte now and then does not keep a connection */
START_TEST(dripping_connections_cannot_keep_the_real_one_out)
{
	struct scene scene;
	pthread_t thread;

	begin(&scene, false);
	per_look_ms = 3000;
	ck_assert_int_eq(pthread_create(&thread, NULL, drip, &scene), 0);
	ck_assert_msg(listen_for(&scene, INT32_MAX) == 0, "%s", scene.err.what);
	per_look_ms = 0;
	ush_callback_finish(scene.callback, true);
	pthread_join(thread, NULL);
	end(&scene);
}
END_TEST

START_TEST(an_endless_request_is_refused)
{
	USH_AUTO_FREE char *long_target = ush_alloc(100001);
	struct scene scene;
	struct visitor visitor, good;

	memset(long_target, 'a', 100000);
	long_target[0] = '/';
	begin(&scene, false);
	send_visitor(&visitor, &scene, long_target);
	send_visitor(&good, &scene, GOOD);
	ck_assert_int_eq(listen_for(&scene, 60000), 0);
	ush_callback_finish(scene.callback, true);
	end(&scene);
	meet(&visitor);
	meet(&good);
	ck_assert_int_ne(visitor.status, 200);
	free(visitor.answer);
	free(good.answer);
}
END_TEST

/* ---- answers that end the wait badly ---- */

static void expect_failure(bool iss_required, const char *target, enum ush_code code, const char *words)
{
	struct scene scene;
	struct visitor visitor;

	begin(&scene, iss_required);
	send_visitor(&visitor, &scene, target);
	ck_assert_msg(listen_for(&scene, 60000) == -1, "accepted: %s", target);
	ck_assert_int_eq(scene.err.code, code);
	ck_assert_msg(strstr(scene.err.what, words) != NULL, "%s", scene.err.what);
	ck_assert_ptr_null(scene.code);
	ush_callback_finish(scene.callback, false);
	meet(&visitor);
	ck_assert_int_eq(visitor.status, 200);
	ck_assert_ptr_nonnull(strstr(visitor.answer, "Not signed in"));
	ck_assert_ptr_null(strstr(visitor.answer, "script"));
	free(visitor.answer);
	end(&scene);
}

START_TEST(an_error_answer_ends_the_wait_and_is_not_echoed)
{
	expect_failure(false, "/callback?error=access_denied&error_description=no%20way&state=" STATE, USH_ERR_DECLINED,
		       "access_denied: no way");
	expect_failure(false,
		       "/callback?error=server_error&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state=" STATE,
		       USH_ERR_REJECTED, "<script>");
}
END_TEST

START_TEST(another_issuers_answer_is_rejected)
{
	expect_failure(false, GOOD "&iss=https%3A%2F%2Fevil.example", USH_ERR_REJECTED, "https://evil.example");
	expect_failure(false, GOOD "&iss=https%3A%2F%2Flogin.example.com%2F", USH_ERR_REJECTED, "issuer");
	expect_failure(false, GOOD "&iss=", USH_ERR_REJECTED, "issuer");
	expect_failure(true, GOOD, USH_ERR_REJECTED, "issuer");
	expect_failure(true, "/callback?error=access_denied&state=" STATE, USH_ERR_REJECTED, "issuer");
	expect_failure(true, GOOD "&iss=https%3A%2F%2Flogin.example.com&iss=https%3A%2F%2Flogin.example.com",
		       USH_ERR_REJECTED, "issuer");
}
END_TEST

START_TEST(the_right_issuer_is_taken)
{
	struct scene scene;
	struct visitor visitor;

	begin(&scene, true);
	send_visitor(&visitor, &scene, GOOD "&iss=https%3A%2F%2Flogin.example.com&session_state=x");
	ck_assert_int_eq(listen_for(&scene, 60000), 0);
	ush_callback_finish(scene.callback, true);
	meet(&visitor);
	free(visitor.answer);
	end(&scene);
}
END_TEST

START_TEST(the_wait_ends_with_its_time)
{
	struct scene scene;

	begin(&scene, false);
	ck_assert_int_eq(listen_for(&scene, 0), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
	end(&scene);
}
END_TEST

START_TEST(the_wait_ends_when_a_signal_asks)
{
	struct scene scene;

	begin(&scene, false);
	asked_to_end = true;
	ck_assert_int_eq(listen_for(&scene, 600000), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
	asked_to_end = false;
	end(&scene);
}
END_TEST

TAP_MAIN("callback", the_right_answer_ends_the_wait_and_the_page_comes_after_the_exchange,
	 the_page_does_not_claim_success_when_the_exchange_failed, the_start_link_leads_to_the_provider_once,
	 two_listeners_have_different_ports_and_start_links, only_the_literal_loopback_address_is_listened_on,
	 ten_thousand_junk_requests_get_4xx_and_the_real_one_still_counts,
	 dripping_connections_cannot_keep_the_real_one_out, an_endless_request_is_refused,
	 an_error_answer_ends_the_wait_and_is_not_echoed, another_issuers_answer_is_rejected, the_right_issuer_is_taken,
	 the_wait_ends_with_its_time, the_wait_ends_when_a_signal_asks)
