/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiver beside visitors who only take up connections.
 */
#include "tests/support/tap.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/receive/server.h"
#include "broker/serve/httpd.h"
#include "broker/serve/seats.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/visit.h"

#define TOKEN	"tests-are-the-only-ones-who-know-it"
#define CROWD	300
#define ASKS	"GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\n"
#define PATIENT 300000 /* no sane machine needs it */

/* Time stands still, but for what a test moves it: nobody goes because he took too long. */
static atomic_llong moved_ms;

static int64_t clock_now(void *context)
{
	(void)context;
	return 1795290309000 + moved_ms;
}

static void fill(void *context, void *out, size_t size)
{
	static unsigned char next;

	(void)context;
	for (size_t i = 0; i < size; i++)
		((unsigned char *)out)[i] = next++;
}

static const struct ush_world world = {.now_ms = clock_now, .boot_ms = clock_now, .random = fill};
static struct ush_receiver receiver;
static pthread_t thread;
static unsigned int port;
static int wake, crowd[CROWD];

static void *serve(void *context)
{
	(void)context;
	ush_receiver_run(&receiver, wake);
	return NULL;
}

static void begin(void)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/store", tap_folder()), *token = ush_printf("%s/token", tap_folder()), *url = NULL;
	struct ush_error err = {0};

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(ush_file_write(token, TOKEN "\n", strlen(TOKEN) + 1, 0600, &err), 0);
	receiver = (struct ush_receiver){.listen = "127.0.0.1:0", .token_file = token, .plain = true, .world = &world};
	receiver.room.store.max_users = receiver.room.store.max_groups = 1000;
	receiver.room.store.people = "userName";
	ck_assert_msg(ush_receiver_open(&receiver, folder, &err) == 0, "%s", err.what);
	receiver.token_file = NULL; /* it is not read again */
	url = ush_printf("http://%s/", ush_httpd_where(receiver.serve));
	port = visit_port(url);
	wake = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void end(void)
{
	struct ush_error err = {0};

	for (size_t i = 0; i < CROWD; i++)
		close(crowd[i]);
	ck_assert_int_eq(write(wake, &(uint64_t){1}, sizeof(uint64_t)), sizeof(uint64_t));
	pthread_join(thread, NULL);
	ck_assert_msg(ush_receiver_close(&receiver, &err) == 0, "%s", err.what);
	close(wake);
}

/* Visitors from so many hosts, who say nothing, or drip a header; after each, whoever `meanwhile` is. */
static void gather(size_t hosts, void (*meanwhile)(size_t number))
{
	static const char *const said[] = {"", "G", "GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer gues"};

	for (size_t i = 0; i < CROWD; i++) {
		crowd[i] = visit_from(i % hosts, port, said[i % USH_COUNT(said)]);
		ck_assert_int_ge(crowd[i], 0);
		if (i > 0)
			(void)!send(crowd[i / 2], "x", 1, MSG_NOSIGNAL);
		if (meanwhile != NULL)
			meanwhile(i);
	}
}

static bool is_cut(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char byte[4096];
	ssize_t got = 1;

	while (got > 0 && poll(&wait, 1, PATIENT) == 1)
		got = recv(fd, byte, sizeof byte, 0);
	return got <= 0;
}

/* The answer to one request on a connection that stays. */
static int answer_on(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char text[8192] = "";
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0 && strstr(text, "\"totalResults\"") == NULL && poll(&wait, 1, PATIENT) == 1) {
		got = recv(fd, text + length, sizeof text - 1 - length, 0);
		length += got > 0 ? (size_t)got : 0;
		text[length] = '\0';
	}
	return length > 12 ? (int)strtol(text + 9, NULL, 10) : -1;
}

/* A new client of the host where the visitors are. */
static void ask_with_token(size_t number)
{
	int fd = number % 20 == 0 ? visit_send(port, ASKS "\r\n") : -1;

	ck_assert_msg(fd < 0 || answer_on(fd) == 200, "beside %zu", number + 1);
	if (fd >= 0)
		close(fd);
}

START_TEST(a_client_with_a_token_is_answered_beside_a_host_with_300_connections)
{
	begin();
	gather(1, ask_with_token);
	ask_with_token(0);
	ck_assert(is_cut(crowd[0]));
	end();
}
END_TEST

START_TEST(a_client_with_a_token_is_answered_beside_many_hosts_with_300_connections)
{
	begin();
	gather(7, ask_with_token);
	ask_with_token(0);
	for (size_t i = 0; i < 100; i++)
		ck_assert_msg(is_cut(crowd[i]), "%zu", i);
	end();
}
END_TEST

START_TEST(a_client_that_is_known_keeps_its_connection_whoever_comes)
{
	static const char again[] = ASKS "\r\n";
	int fd;

	begin();
	fd = visit_send(port, again);
	ck_assert_int_eq(answer_on(fd), 200);
	gather(1, NULL);
	ck_assert(is_cut(crowd[0]));
	ck_assert_int_eq(send(fd, again, strlen(again), MSG_NOSIGNAL), (ssize_t)strlen(again));
	ck_assert_int_eq(answer_on(fd), 200);
	close(fd);
	end();
}
END_TEST

/* Its token was in the header: it is no stranger while it sends its body. */
START_TEST(a_client_that_sends_its_body_slowly_is_no_stranger)
{
	static const char head[] = "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\nConnection: close\r\n"
				   "Content-Type: application/scim+json\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n";
	char go[64];
	int fd;

	begin();
	fd = visit_send(port, head);
	ck_assert_int_gt(recv(fd, go, sizeof go, 0), 0); /* 100: its header is there */
	ck_assert_int_eq(send(fd, "{\"userName\"", 11, MSG_NOSIGNAL), 11);
	gather(1, NULL);
	ck_assert(is_cut(crowd[0]));
	ck_assert_int_eq(send(fd, ":\"carol\"}", 9, MSG_NOSIGNAL), 9);
	ck_assert_int_eq(visit_read(fd, NULL), 201);
	end();
}
END_TEST

/* As many as are kept, each with an answer behind it, each a moment later than the one before. */
static void be_seated(int *known, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		moved_ms += 10;
		known[i] = visit_send(port, ASKS "\r\n");
		ck_assert_int_eq(answer_on(known[i]), 200);
	}
}

static bool is_open(int fd)
{
	return send(fd, ASKS "\r\n", strlen(ASKS "\r\n"), MSG_NOSIGNAL) > 0 && answer_on(fd) == 200;
}

START_TEST(the_longest_idle_of_256_known_clients_gives_way_to_a_new_one)
{
	static const char slow[] = "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\nContent-Type: application/scim+json\r\n"
				   "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n";
	int known[256], fresh;
	char go[64];

	begin();
	memset(crowd, -1, sizeof crowd);
	known[0] = visit_send(port, slow); /* the oldest of all, and in the middle of its request */
	ck_assert_int_gt(recv(known[0], go, sizeof go, 0), 0);
	be_seated(known + 1, 255);
	moved_ms += 10;
	ck_assert(is_open(known[1])); /* the oldest of the idle ones has just been heard */
	fresh = visit_send(port, ASKS "\r\n");
	ck_assert_int_eq(answer_on(fresh), 200);
	ck_assert(is_cut(known[2]));
	ck_assert(is_open(known[1]));
	ck_assert(is_open(known[3]));
	ck_assert_int_eq(send(known[0], "{\"userName\":\"carol\"}", 20, MSG_NOSIGNAL), 20);
	ck_assert_int_gt(recv(known[0], go, sizeof go, 0), 12);
	ck_assert_int_eq(strncmp(go, "HTTP/1.1 201", 12), 0);
	for (size_t i = 0; i < 256; i++)
		close(known[i]);
	close(fresh);
	end();
}
END_TEST

/* Who shows no token takes no more of them than there always are for strangers. */
START_TEST(strangers_take_the_seats_of_idle_clients_only_so_far)
{
	int known[256];

	begin();
	be_seated(known, 256);
	gather(7, NULL);
	ck_assert(is_cut(crowd[0]));
	for (size_t i = 0; i < 256; i++)
		ck_assert_msg(i < 32 ? is_cut(known[i]) : is_open(known[i]), "%zu", i);
	for (size_t i = 0; i < 256; i++)
		close(known[i]);
	end();
}
END_TEST

/* The oldest of them has sent its next request while the server was at another's. */
START_TEST(who_has_asked_and_was_not_looked_at_yet_does_not_give_way)
{
	const struct sockaddr_in address = {.sin_family = AF_INET};
	struct ush_seats seats = {.most = 2, .strangers_most = 2, .strangers_least = 1, .host_most = 2};
	struct ush_seat *first, *second;
	int ends[3][2];

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
	first = ush_seats_add(&seats, ends[0][0], (const struct sockaddr *)&address, 1);
	second = ush_seats_add(&seats, ends[1][0], (const struct sockaddr *)&address, 2);
	first->known = second->known = true;
	ck_assert_int_eq(write(ends[0][1], "P", 1), 1);
	ush_seats_add(&seats, ends[2][0], (const struct sockaddr *)&address, 3);
	ck_assert(!first->cut);
	ck_assert(second->cut);
	ck_assert_uint_eq(seats.gave_way, 1);
	while (seats.newest != NULL)
		ush_seat_drop(seats.newest);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(close(ends[i][0]) | close(ends[i][1]), 0);
}
END_TEST

/* A proxy that believes the other length takes what is behind it for the next one's request (RFC 9112 section 11.2). */
START_TEST(a_body_whose_end_is_said_twice_is_refused)
{
	static const char *const twice[] = {
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
	};

	begin();
	memset(crowd, -1, sizeof crowd);
	for (size_t i = 0; i < USH_COUNT(twice); i++) {
		USH_AUTO_FREE char *request = ush_printf("POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " TOKEN "\r\n"
							 "Content-Type: application/scim+json\r\n%s", twice[i]);

		ck_assert_int_eq(visit_read(visit_send(port, request), NULL), 400);
	}
	end();
}
END_TEST

TAP_MAIN("scim_server", a_client_with_a_token_is_answered_beside_a_host_with_300_connections,
	 a_client_with_a_token_is_answered_beside_many_hosts_with_300_connections, a_client_that_is_known_keeps_its_connection_whoever_comes,
	 a_client_that_sends_its_body_slowly_is_no_stranger,
	 the_longest_idle_of_256_known_clients_gives_way_to_a_new_one, strangers_take_the_seats_of_idle_clients_only_so_far,
	 who_has_asked_and_was_not_looked_at_yet_does_not_give_way, a_body_whose_end_is_said_twice_is_refused)
