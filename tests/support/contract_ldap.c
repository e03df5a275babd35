/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory server for the contract: LDAPv3 (RFC 4511) on a loopback port, from a thread, no more of it than a reader
 * asks for.
 * - Pages by cookie; the last one's is empty (RFC 2696 section 3).
 * - Of more than so many values of member a Windows server gives the first ones as member;range=0-N, with an empty member
 *   beside, and the rest when it is asked for ([MS-ADTS] 3.1.1.3.1.3.3).
 * - "Come again" is busy (51), a broken server other (80), no right 50 (RFC 4511 appendix A).
 * Names are in an attribute of their own, so that they may hold anything; a DN has the number.
 */
#include <arpa/inet.h>
#include <check.h>
#include <lber.h>
#include <ldap.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "tests/support/contract.h"

#define PAGE	   20
#define PEOPLE	   500
#define RANGE	   10
#define GROUPS_DN  "ou=groups,dc=test"
#define PEOPLE_DN  "ou=people,dc=test"
#define CONTROLS   0xa0U

struct server {
	pthread_t thread;
	int listener;
};

struct asked {
	ber_int_t id, scope, page_size;
	char base[256];
	size_t from;	/* of the cookie */
	long range;	/* first value of member that is asked for, -1: none is said */
	bool paged;
};

static bool ranged(const struct contract *c)
{
	return c->fake->member_page > 0;
}

/* ---- writing ---- */

static void send_bytes(int fd, BerElement *ber, bool half)
{
	struct berval *flat = NULL;

	ck_assert_int_eq(ber_flatten(ber, &flat), 0);
	for (size_t sent = 0, all = half ? flat->bv_len / 2 : flat->bv_len; sent < all;) {
		ssize_t n = send(fd, flat->bv_val + sent, all - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	ber_bvfree(flat);
	ber_free(ber, 1);
}

static BerElement *begin_entry(const struct asked *asked, const char *dn)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	ber_printf(ber, "{it{s{", asked->id, (ber_tag_t)LDAP_RES_SEARCH_ENTRY, dn);
	return ber;
}

static void one(BerElement *ber, const char *name, const char *value)
{
	ber_printf(ber, "{s[s]}", name, value);
}

static void end_entry(int fd, BerElement *ber)
{
	ber_printf(ber, "}}}");
	send_bytes(fd, ber, false);
}

static void send_result(int fd, const struct asked *asked, ber_tag_t tag, int code, const char *cookie, bool half)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	ber_printf(ber, "{it{ess}", asked->id, tag, code, "", "");
	if (cookie != NULL) {
		BerElement *inner = ber_alloc_t(LBER_USE_DER);
		struct berval *value = NULL;

		ber_printf(inner, "{is}", (ber_int_t)0, cookie);
		ber_flatten(inner, &value);
		ber_printf(ber, "t{{sO}}", (ber_tag_t)CONTROLS, LDAP_CONTROL_PAGEDRESULTS, value);
		ber_bvfree(value);
		ber_free(inner, 1);
	}
	ber_printf(ber, "}");
	send_bytes(fd, ber, half);
}

/* ---- entries ---- */

/* Members from `first` on: people, then groups. */
static void add_members(struct contract *c, BerElement *ber, size_t index, size_t first)
{
	const struct contract_group *g = &c->directory.groups[index];
	size_t people_count, total, end;
	USH_AUTO_FREE size_t *people = contract_people(c, index, &people_count);
	char name[64] = "member";

	total = people_count + g->group_count;
	end = ranged(c) && total - first > RANGE ? first + RANGE : total;
	if (ranged(c) && total > RANGE) {
		char last[24];

		ber_printf(ber, "{s[]}", "member");
		snprintf(last, sizeof last, "%zu", end - 1);
		snprintf(name, sizeof name, "member;range=%zu-%s", first, end == total ? "*" : last);
	}
	if (total == 0)
		return;
	ber_printf(ber, "{s[", name);
	for (size_t i = first; i < end; i++) {
		char dn[96];

		if (i < people_count)
			snprintf(dn, sizeof dn, "uidNumber=%lu,%s", c->directory.people[people[i]].number, PEOPLE_DN);
		else
			snprintf(dn, sizeof dn, "GIDNUMBER=%lu, %s", c->directory.groups[g->groups[i - people_count]].number, GROUPS_DN);
		ber_printf(ber, "s", dn);
	}
	ber_printf(ber, "]}");
}

static void send_group(struct contract *c, int fd, const struct asked *asked, size_t index)
{
	const struct contract_group *g = &c->directory.groups[index];
	struct berval sid = {16, (char[]){1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0, 0, 0, 0}};
	char dn[96], number[24];
	BerElement *ber;

	snprintf(dn, sizeof dn, "gidNumber=%lu,%s", g->number, GROUPS_DN);
	snprintf(number, sizeof number, "%lu", g->number);
	sid.bv_val[12] = (char)(g->number & 0xff);
	sid.bv_val[13] = (char)(g->number >> 8 & 0xff);
	sid.bv_val[14] = (char)(g->number >> 16 & 0xff);
	ber = begin_entry(asked, dn);
	one(ber, "objectClass", "group");
	one(ber, "gidNumber", number);
	one(ber, "cn", g->name);
	ber_printf(ber, "{s[O]}", "objectSid", &sid);
	add_members(c, ber, index, asked->range > 0 ? (size_t)asked->range : 0);
	end_entry(fd, ber);
}

static void send_person(struct contract *c, int fd, const struct asked *asked, size_t index)
{
	const struct contract_person *person = &c->directory.people[index];
	char dn[96];
	BerElement *ber;

	snprintf(dn, sizeof dn, "uidNumber=%lu,%s", person->number, PEOPLE_DN);
	ber = begin_entry(asked, dn);
	one(ber, "objectClass", "person");
	one(ber, "userAccountControl", person->disabled ? "514" : "512");
	if (person->name != NULL)
		one(ber, "uid", person->name);
	end_entry(fd, ber);
}

static void send_other(int fd, const struct asked *asked, bool root)
{
	BerElement *ber = begin_entry(asked, asked->base);

	one(ber, "objectClass", "top");
	if (root)
		one(ber, "supportedControl", LDAP_CONTROL_PAGEDRESULTS);
	end_entry(fd, ber);
}

/* ---- searches ---- */

static void answer_list(struct contract *c, int fd, const struct asked *asked, bool groups)
{
	bool about = groups && (c->fault.what == CONTRACT_ANY || c->fault.what == CONTRACT_GROUPS);
	size_t from = about && c->fault.repeats ? 0 : asked->from, most = groups ? PAGE : PEOPLE, count = 0, total, end;
	USH_AUTO_FREE size_t *all = contract_children(c, CONTRACT_EVERYWHERE, &count);
	char cookie[24] = "";

	total = groups ? (c->fault.empty ? 0 : count) : c->directory.people_count;
	end = from + most < total ? from + most : total;
	for (size_t i = from; i < end; i++) {
		if (groups)
			send_group(c, fd, asked, all[i]);
		else if (!c->directory.people[i].gone)
			send_person(c, fd, asked, i);
	}
	if (end < total && !(about && c->fault.cut_off))
		snprintf(cookie, sizeof cookie, "%zu", end);
	else if (about && c->fault.loops)
		strcpy(cookie, "0");
	send_result(fd, asked, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS, asked->paged ? cookie : NULL, false);
}

static void answer_one(struct contract *c, int fd, const struct asked *asked)
{
	unsigned long number = 0;
	size_t index = CONTRACT_NOBODY;

	if (*asked->base == '\0' || strcmp(asked->base, GROUPS_DN) == 0 || strcmp(asked->base, PEOPLE_DN) == 0) {
		send_other(fd, asked, *asked->base == '\0');
	} else {
		if (strncasecmp(asked->base, "gidNumber=", 10) == 0)
			number = strtoul(asked->base + 10, NULL, 10);
		if (number != 0)
			index = contract_group_of(c, number);
		if (index == CONTRACT_NOBODY) {
			send_result(fd, asked, LDAP_RES_SEARCH_RESULT, LDAP_NO_SUCH_OBJECT, NULL, false);
			return;
		}
		send_group(c, fd, asked, index);
	}
	send_result(fd, asked, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS, NULL, false);
}

static enum contract_what what_of(const struct asked *asked, size_t *page)
{
	*page = 1;
	if (strcmp(asked->base, GROUPS_DN) == 0 && asked->scope != LDAP_SCOPE_BASE) {
		*page = asked->from / PAGE + 1;
		return CONTRACT_GROUPS;
	}
	if (asked->range > 0) {
		*page = (size_t)asked->range / RANGE + 1;
		return CONTRACT_MEMBERS;
	}
	return CONTRACT_ELSE;
}

/* A fault as this protocol has it; false: the connection is over. */
static bool answer_badly(int fd, const struct asked *asked, int status)
{
	static const char page[] = "<html><body>Welcome to the airport's network</body></html>", large[] = "\x30\x84\x7f\xff\xff\xff\x02\x01";
	int code = status == 429 || status == 503 ? LDAP_BUSY : status >= 500 ? LDAP_OTHER : status == 401 ? LDAP_INVALID_CREDENTIALS :
		   status == 403		  ? LDAP_INSUFFICIENT_ACCESS : status == 404 ? LDAP_NO_SUCH_OBJECT : status == 302 ? LDAP_REFERRAL : LDAP_UNWILLING_TO_PERFORM;

	if (status > 0) {
		send_result(fd, asked, LDAP_RES_SEARCH_RESULT, code, NULL, false);
		return true;
	}
	if (status == CONTRACT_HTML)
		ck_assert(send(fd, page, sizeof page, MSG_NOSIGNAL) > 0);
	if (status == CONTRACT_LARGE)
		ck_assert(send(fd, large, sizeof large, MSG_NOSIGNAL) > 0);
	if (status == CONTRACT_CUT)
		send_result(fd, asked, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS, "", true);
	return false;
}

static bool answer_search(struct contract *c, int fd, const struct asked *asked)
{
	size_t page;
	enum contract_what what = what_of(asked, &page);
	int status;

	c->now_ms++;
	c->requests++;
	if (c->meanwhile != NULL)
		c->meanwhile(c, what, page);
	status = contract_fault(c, what, page);
	if (status != 0)
		return answer_badly(fd, asked, status);
	if (asked->scope == LDAP_SCOPE_BASE)
		answer_one(c, fd, asked);
	else
		answer_list(c, fd, asked, what == CONTRACT_GROUPS);
	return true;
}

/* ---- reading ---- */

static void read_controls(BerElement *ber, struct asked *asked)
{
	struct berval oid, value, cookie;
	ber_len_t length;
	char *end;
	int critical;

	if (ber_peek_tag(ber, &length) != CONTROLS)
		return;
	for (ber_tag_t tag = ber_first_element(ber, &length, &end); tag != LBER_DEFAULT; tag = ber_next_element(ber, &length, end)) {
		BerElement *inner;

		ber_scanf(ber, "{m", &oid);
		if (ber_peek_tag(ber, &length) == LBER_BOOLEAN)
			ber_scanf(ber, "b", &critical);
		if (ber_peek_tag(ber, &length) != LBER_OCTETSTRING)
			continue;
		ber_scanf(ber, "m}", &value);
		inner = ber_init(&value);
		ber_scanf(inner, "{im}", &asked->page_size, &cookie);
		asked->paged = true;
		asked->from = cookie.bv_len > 0 ? strtoul(cookie.bv_val, NULL, 10) : 0;
		ber_free(inner, 1);
	}
}

static void read_search(BerElement *ber, struct asked *asked)
{
	ber_int_t scope, deref, most, seconds, types;
	struct berval base, filter, name;
	ber_len_t length;
	char *end;

	ber_scanf(ber, "{meeiib", &base, &scope, &deref, &most, &seconds, &types);
	snprintf(asked->base, sizeof asked->base, "%.*s", (int)base.bv_len, base.bv_val);
	asked->scope = scope;
	ber_skip_element(ber, &filter);
	for (ber_tag_t tag = ber_first_element(ber, &length, &end); tag != LBER_DEFAULT; tag = ber_next_element(ber, &length, end)) {
		ber_scanf(ber, "m", &name);
		if (name.bv_len > 13 && strncasecmp(name.bv_val, "member;range=", 13) == 0)
			asked->range = strtol(name.bv_val + 13, NULL, 10);
	}
	ber_scanf(ber, "}");
	read_controls(ber, asked);
}

static bool answer_message(struct contract *c, int fd, BerElement *ber)
{
	struct asked asked = {.range = -1};
	ber_len_t length;

	ber_scanf(ber, "i", &asked.id);
	switch (ber_peek_tag(ber, &length)) {
	case LDAP_REQ_BIND:
		c->sign_ins++;
		send_result(fd, &asked, LDAP_RES_BIND, LDAP_SUCCESS, NULL, false);
		return true;
	case LDAP_REQ_SEARCH:
		read_search(ber, &asked);
		return answer_search(c, fd, &asked);
	default: /* unbind */
		return false;
	}
}

static void serve_one(struct contract *c, int fd)
{
	Sockbuf *sb = ber_sockbuf_alloc();
	bool more = true;

	ber_sockbuf_add_io(sb, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER, &fd);
	while (more) {
		BerElement *ber = ber_alloc_t(LBER_USE_DER);
		ber_len_t length;

		more = ber_get_next(sb, &length, ber) == LDAP_TAG_MESSAGE && answer_message(c, fd, ber);
		ber_free(ber, 1);
	}
	ber_sockbuf_free(sb); /* closes fd */
}

static void *serve(void *context)
{
	struct contract *c = context;
	struct server *server = c->state;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0)
		serve_one(c, fd);
	return NULL;
}

/* ---- the fake ---- */

static void settings(struct contract *c, struct ush_policy_source *source)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	struct server *server = ush_new(struct server);
	char url[64];

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(server->listener, 8), 0);
	ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof url, "ldap://127.0.0.1:%u", ntohs(address.sin_port));
	c->state = server;
	ush_source_set(source, "url", url);
	ush_source_set(source, "allowLoopbackPlain", "true");
	ush_source_set(source, "bindDN", "cn=reader");
	ush_source_set(source, "secretFile", c->secret_file);
	ush_source_set(source, "schema", ranged(c) ? "ad" : "rfc2307bis");
	ush_source_set(source, "groups.base", GROUPS_DN);
	ush_source_set(source, "groups.id", "gidNumber");
	ush_source_set(source, "people.base", PEOPLE_DN);
	ush_source_set(source, "people.name", "uid");
}

static void begin(struct contract *c)
{
	ck_assert_int_eq(pthread_create(&((struct server *)c->state)->thread, NULL, serve, c), 0);
}

static void end(struct contract *c)
{
	struct server *server = c->state;

	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static enum contract_what what(struct contract *c, const struct ush_http_request *request, size_t *page)
{
	(void)c;
	(void)request;
	(void)page;
	ck_abort_msg("a directory is not asked by HTTP");
}

static void answer(struct contract *c, const struct ush_http_request *request, struct ush_http_response *response)
{
	(void)response;
	what(c, request, NULL);
}

static char *path(const struct contract *c, size_t group)
{
	return ush_printf("/%lu", c->directory.groups[group].number);
}

#define TRAITS                                                                                                                                                 \
	(CONTRACT_NESTED | CONTRACT_DISABLED | CONTRACT_NULL_NAMES | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_SECOND | CONTRACT_ONCE)

const struct contract_fake contract_ldap = {
	.kind = "ldap", .traits = TRAITS, .group_page = PAGE, .settings = settings, .what = what, .answer = answer, .path = path, .begin = begin, .end = end};

const struct contract_fake contract_ldap_ranges = {.kind = "ldap",
						   .variant = "Active Directory, members in ranges",
						   .traits = TRAITS,
						   .group_page = PAGE,
						   .member_page = RANGE,
						   .settings = settings,
						   .what = what,
						   .answer = answer,
						   .path = path,
						   .begin = begin,
						   .end = end};
