/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources over a real socket: each fake behind TLS and a proxy, asked by libcurl. What the contract shows in one process
 * must hold where URLs, headers, certificates and connections are real.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_cloud.h"
#include "tests/support/contract_knobs.h"
#include "tests/support/over_tls.h"

static struct contract c;

/* A page of groups and one more, some people, a group of two pages of members. */
static void begin(const struct contract_fake *fake)
{
	contract_begin(&c, fake);
	for (size_t i = 0; i < 105; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%03zu", i);

		contract_add_person(&c, name);
	}
	for (size_t i = 0; i < fake->group_page + 1; i++) {
		USH_AUTO_FREE char *name = ush_printf("group-%04zu", i);

		contract_add_group(&c, name, CONTRACT_NOBODY);
		contract_join(&c, i, i % 105);
	}
	for (size_t i = 1; i < 105; i++)
		contract_join(&c, 0, i);
}

static void reads(const struct contract_fake *fake)
{
	struct over_tls *over;

	begin(fake);
	over = over_tls_start(&c);
	contract_read(&c);
	contract_expect_exact(&c);
	ck_assert_uint_gt(over_tls_proxied(over), 0);
	ck_assert_uint_eq(over_tls_proxied(over), over_tls_connections(over)); /* nothing goes beside the proxy */
	over_tls_stop(over);
	contract_end(&c);
}

static int64_t clock_now;

static int64_t clock_ms(void *context)
{
	(void)context;
	return clock_now;
}

static int clock_sleep(void *context, int64_t ms)
{
	(void)context;
	clock_now += ms;
	return 0;
}

static void tells_nothing(const struct contract_fake *fake)
{
	struct over_tls *over;

	begin(fake);
	over = over_tls_start(&c);
	over_tls_forget_ca(over);
	c.world.boot_ms = clock_ms; /* it is tried again, and nobody waits for that here */
	c.world.sleep_ms = clock_sleep;
	c.world.http_many = NULL;
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_msg(strstr(c.groups.why, "certificate") != NULL, "%s", c.groups.why);
	ck_assert_uint_eq(c.requests, 0);
	over_tls_stop(over);
	contract_end(&c);
}

START_TEST(github_reads_through_tls_and_a_proxy)
{
	reads(&contract_github);
}
END_TEST

START_TEST(a_github_app_reads_through_tls_and_a_proxy)
{
	reads(&contract_github_app);
}
END_TEST

START_TEST(gitlab_reads_through_tls_and_a_proxy)
{
	reads(&contract_gitlab);
}
END_TEST

START_TEST(scim_reads_through_tls_and_a_proxy)
{
	reads(&contract_scim);
	reads(&contract_scim_cursor);
}
END_TEST

START_TEST(authentik_reads_through_tls_and_a_proxy)
{
	reads(&contract_authentik);
	reads(&contract_authentik_inherit);
}
END_TEST

START_TEST(okta_reads_through_tls_and_a_proxy)
{
	reads(&contract_okta);
	reads(&contract_okta_client);
	reads(&contract_okta_app);
}
END_TEST

START_TEST(entra_reads_through_tls_and_a_proxy)
{
	reads(&contract_entra);
	reads(&contract_entra_delta);
}
END_TEST

START_TEST(google_reads_through_tls_and_a_proxy)
{
	reads(&contract_google);
}
END_TEST

START_TEST(a_server_of_another_ca_gets_no_token)
{
	tells_nothing(&contract_okta);
	tells_nothing(&contract_entra);
	tells_nothing(&contract_github);
	tells_nothing(&contract_gitlab);
	tells_nothing(&contract_scim);
	tells_nothing(&contract_authentik);
}
END_TEST

/* The App's JWT is a secret too. */
START_TEST(a_server_of_another_ca_gets_no_assertion)
{
	tells_nothing(&contract_github_app);
	tells_nothing(&contract_okta_client);
	tells_nothing(&contract_google);
}
END_TEST

TAP_MAIN("source_tls", github_reads_through_tls_and_a_proxy, a_github_app_reads_through_tls_and_a_proxy, gitlab_reads_through_tls_and_a_proxy,
	 scim_reads_through_tls_and_a_proxy, authentik_reads_through_tls_and_a_proxy, okta_reads_through_tls_and_a_proxy, entra_reads_through_tls_and_a_proxy,
	 google_reads_through_tls_and_a_proxy, a_server_of_another_ca_gets_no_token,
	 a_server_of_another_ca_gets_no_assertion)
