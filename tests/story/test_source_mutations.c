/* SPDX-License-Identifier: Apache-2.0
 *
 * Providers that say anything at all: answers of the fakes with bytes changed, cut out, doubled, in a sequence that is the
 * same each time. A source may believe what is still well-formed, but it ends, says complete or incomplete in one line,
 * and never invents a group or a person without a name.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"

#define ROUNDS 150

static struct contract c;
static uint64_t seed;
static int (*unchanged)(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err);

static uint64_t chance(void) /* xorshift64* */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545F4914F6CDD1DULL;
}

static void mutate(char *text, size_t *length)
{
	static const char bytes[] = "\"{}[]:,0-\\ntf\x80\xff";
	size_t at = chance() % *length, span = 1 + chance() % 12;

	span = span > *length - at ? *length - at : span;
	switch (chance() % 4) {
	case 0:
		text[at] = bytes[chance() % (sizeof bytes - 1)];
		break;
	case 1: /* a piece is lost */
		memmove(text + at, text + at + span, *length - at - span);
		*length -= span;
		break;
	case 2: /* a piece stands elsewhere too */
		memmove(text + chance() % (*length - span + 1), text + at, span);
		break;
	default: /* a number becomes another */
		for (; at < *length; at++)
			if (text[at] >= '0' && text[at] <= '9') {
				text[at] = (char)('0' + chance() % 10);
				break;
			}
	}
}

static int http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	int result = unchanged(context, request, response, err);

	if (result == 0 && response->body.length > 1 && chance() % 3 == 0) {
		mutate(response->body.data, &response->body.length);
		response->body.data[response->body.length] = '\0';
	}
	if (result == 0 && response->headers.length > 0 && chance() % 8 == 0) {
		size_t at = chance() % response->headers.length;

		if (response->headers.data[at] != '\0') /* name and value stay two */
			response->headers.data[at] = (char)('!' + chance() % 90);
	}
	return result;
}

static void check(const struct contract_fake *fake, uint64_t from)
{
	ck_assert_msg(c.result == 0, "%s, seed %llu: %s", fake->kind, (unsigned long long)from, c.err.what);
	ck_assert_msg(c.groups.complete == (c.groups.why == NULL), "%s, seed %llu", fake->kind, (unsigned long long)from);
	for (size_t i = 0; i < c.groups.count && c.groups.complete; i++) {
		const struct ush_group *group = &c.groups.items[i];

		ck_assert_msg(group->id[0] != '\0' && group->name[0] != '\0' && group->path[0] == '/', "%s, seed %llu", fake->kind, (unsigned long long)from);
		for (size_t j = 0; j < group->members.count; j++)
			ck_assert_msg(group->members.items[j][0] != '\0', "%s, seed %llu", fake->kind, (unsigned long long)from);
	}
}

static void anything(const struct contract_fake *fake)
{
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		knobs_begin(&c, fake, 9, 14);
		if ((fake->traits & CONTRACT_NESTED) != 0)
			contract_nest(&c, 1, 0);
		unchanged = c.world.http;
		c.world.http = http;
		c.world.http_many = NULL;
		seed = round * 0x9E3779B97F4A7C15ULL;
		contract_read(&c);
		check(fake, round);
		contract_end(&c);
	}
}

START_TEST(github_may_say_anything)
{
	anything(&contract_github);
	anything(&contract_github_app);
}
END_TEST

START_TEST(gitlab_may_say_anything)
{
	anything(&contract_gitlab);
}
END_TEST

START_TEST(scim_may_say_anything)
{
	anything(&contract_scim);
	anything(&contract_scim_cursor);
}
END_TEST

START_TEST(authentik_may_say_anything)
{
	anything(&contract_authentik);
	anything(&contract_authentik_inherit);
}
END_TEST

TAP_MAIN("source_mutations", github_may_say_anything, gitlab_may_say_anything, scim_may_say_anything, authentik_may_say_anything)
