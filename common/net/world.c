/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/real.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "common/net/http.h"
#include "common/net/many.h"

static volatile sig_atomic_t asked_to_end;

static void note_signal(int number)
{
	asked_to_end = number;
}

bool ush_asked_to_end(void)
{
	return asked_to_end != 0;
}

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t now_ms(void *context)
{
	(void)context;
	return clock_ms(CLOCK_REALTIME);
}

int64_t ush_real_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

static int64_t boot_ms(void *context)
{
	(void)context;
	return ush_real_boot_ms();
}

static int sleep_ms(void *context, int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)context;
	while (!asked_to_end && nanosleep(&t, &t) != 0 && errno == EINTR)
		;
	return asked_to_end ? -1 : 0;
}

static void random_bytes(void *context, void *out, size_t size)
{
	(void)context;
	if (RAND_bytes(out, (int)size) != 1) {
		static const char line[] = "usher: the system gives no random bytes\n";

		(void)!write(STDERR_FILENO, line, sizeof line - 1);
		_exit(8);
	}
}

static int exchange(void *context, const struct ush_http_request *request, struct ush_http_response *response,
		    struct ush_error *err)
{
	return ush_http_exchange(context, request, response, err);
}

static int exchange_many(void *context, const struct ush_http_pump *pump, struct ush_error *err)
{
	return ush_http_client_many(context, pump, err);
}

void ush_world_real(struct ush_world *world)
{
	struct sigaction end = {.sa_handler = note_signal}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	*world = (struct ush_world){.context = ush_http_client_new(),
				    .now_ms = now_ms,
				    .boot_ms = boot_ms,
				    .sleep_ms = sleep_ms,
				    .random = random_bytes,
				    .http = exchange,
				    .http_many = exchange_many};
}

void ush_world_real_free(struct ush_world *world)
{
	ush_http_client_free(world->context);
	world->context = NULL;
}
