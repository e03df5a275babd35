/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists that are small on the wire and huge when they are uncompressed: what is kept of them has caps.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/kube/list.h"
#include "common/net/real.h"
#include "tests/support/http_server.h"

/* ---- gzip by hand: literals, and one byte repeated (RFC 1951 section 3.2.6, fixed codes) ---- */

struct bits {
	struct ush_buf out;
	unsigned int byte, count;
};

static void put_bit(struct bits *bits, unsigned int bit)
{
	char full;

	bits->byte |= bit << bits->count++;
	if (bits->count < 8)
		return;
	full = (char)bits->byte;
	ush_buf_add(&bits->out, &full, 1);
	bits->byte = bits->count = 0;
}

static void put_code(struct bits *bits, unsigned int code, unsigned int length)
{
	while (length-- > 0)
		put_bit(bits, code >> length & 1);
}

static void put_text(struct bits *bits, const char *text)
{
	for (; *text != '\0'; text++)
		put_code(bits, 0x30 + (unsigned char)*text, 8);
}

/* The last byte again, 258 times for each. */
static void put_again(struct bits *bits, size_t times)
{
	for (; times > 0; times--) {
		put_code(bits, 0xc5, 8);
		put_code(bits, 0, 5);
	}
}

static void begin(struct bits *bits)
{
	ush_buf_add(&bits->out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
	put_bit(bits, 1);
	put_bit(bits, 1);
	put_bit(bits, 0);
}

/* ---- the lists ---- */

#define HEAD                                                                                                           \
	"{\"kind\":\"RoleBindingList\",\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"metadata\":{"               \
	"\"resourceVersion\":\"7\"},"
#define MEGABYTE (1048576 / 258 + 1)

static void give(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	struct bits *bits = context;

	reply->status = 200;
	reply->content_type = "application/json";
	if (strcmp(seen->path, "/version") == 0) {
		reply->body = ush_strdup("{\"major\":\"1\",\"minor\":\"36\"}");
		return;
	}
	reply->headers = ush_strdup("Content-Encoding: gzip\r\n");
	reply->body = ush_alloc(bits->out.length);
	reply->body_length = bits->out.length;
	memcpy(reply->body, bits->out.data, bits->out.length);
}

static size_t taken;

static int take(void *context, struct ush_item *item, struct ush_error *err)
{
	(void)context, (void)item, (void)err;
	taken++;
	return 0;
}

static void read_bomb(struct bits *bits, enum ush_code code, const char *why)
{
	struct http_server *server = http_server_start(give, bits);
	struct ush_world world;
	struct ush_kube_config config = {.server = (char *)(uintptr_t)http_server_url(server), .context = (char *)(uintptr_t)"test"};
	struct ush_kube kube = {&world, &config, "usher-broker"};
	struct ush_kube_stream stream = {"/apis/x/v1/things", NULL, take, NULL, NULL};
	struct ush_error err = {0};

	taken = 0;
	put_code(bits, 0, 7); /* and the last byte's rest; the list is given up before */
	ush_world_real(&world);
	ck_assert_int_eq(ush_kube_list_items(&kube, &stream, NULL, NULL, &err), -1);
	ck_assert_msg(err.code == code && strstr(err.what, why) != NULL, "%d %s", err.code, err.what);
	ck_assert_uint_eq(http_server_count(server, "/apis/x/v1/things"), 1);
	ush_world_real_free(&world);
	http_server_stop(server);
	ush_buf_free(&bits->out);
}

/* T66 */
START_TEST(an_item_that_swells_to_more_than_8_MiB_is_refused)
{
	struct bits bits = {.out = USH_BUF_MAX(1U << 20)};

	begin(&bits);
	put_text(&bits, HEAD "\"items\":[{\"a\":1},{\"a\":\"x");
	put_again(&bits, 9 * MEGABYTE);
	ck_assert_uint_lt(bits.out.length, 64U << 10);
	read_bomb(&bits, USH_ERR_REJECTED, "an item larger than 8 MiB");
	ck_assert_uint_eq(taken, 1);
}
END_TEST

START_TEST(what_stands_beside_the_items_may_not_swell_either)
{
	struct bits bits = {.out = USH_BUF_MAX(1U << 20)};

	begin(&bits);
	put_text(&bits, HEAD "\"items\":[{\"a\":1}],\"b\":\"x");
	put_again(&bits, MEGABYTE);
	read_bomb(&bits, USH_ERR_REJECTED, "more than 256 KiB beside its items");
}
END_TEST

/* 32 levels are enough for any object; a million opening brackets are no reason to use a million frames. */
START_TEST(brackets_without_end_are_an_item_without_end)
{
	struct bits bits = {.out = USH_BUF_MAX(1U << 20)};

	begin(&bits);
	put_text(&bits, HEAD "\"items\":[{\"a\":[");
	put_again(&bits, 9 * MEGABYTE);
	read_bomb(&bits, USH_ERR_REJECTED, "an item larger than 8 MiB");
}
END_TEST

TAP_MAIN("kube_bomb", an_item_that_swells_to_more_than_8_MiB_is_refused,
	 what_stands_beside_the_items_may_not_swell_either, brackets_without_end_are_an_item_without_end)
