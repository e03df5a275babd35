/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/lease.h"

#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

#define SPOILT	    (10 * USH_LEASE_SECONDS) /* a lease that ends later than clocks differ was edited by hand */
#define LONGEST	    INT32_MAX		     /* seconds: what the API has room for */
#define LAST_SECOND INT64_C(253402300799)    /* of the year 9999, the last that RFC 3339 can write */

static char *micro_time(int64_t seconds)
{
	char text[40];
	struct tm tm;

	gmtime_r(&(time_t){seconds}, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
	return ush_strdup(text);
}

/* A MicroTime (RFC 3339 with six digits) to seconds; 0 when it is none, so that a spoilt Lease counts as expired. */
static int64_t seconds_of(const char *text)
{
	struct tm tm = {0};
	const char *end = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	int64_t seconds = end != NULL ? timegm(&tm) : 0;

	return seconds > 0 && seconds <= LAST_SECOND ? seconds : 0;
}

/* When a lease ends, by its own words. */
static int64_t end_of(const json_t *spec)
{
	json_int_t length = json_integer_value(json_object_get(spec, "leaseDurationSeconds"));
	int64_t until = seconds_of(ush_json_string(spec, "renewTime")) + (length < 0 ? 0 : length < LONGEST ? length : LONGEST);

	return until < LAST_SECOND ? until : LAST_SECOND;
}

static json_t *lease_json(const struct ush_lease *lease, const char *namespace_name, int64_t now)
{
	USH_AUTO_FREE char *time = micro_time(now);

	return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:i, s:s, s:s}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata",
			 "name", lease->use->name, "namespace", namespace_name, "labels", "app.kubernetes.io/managed-by", "usher-broker", "spec",
			 "holderIdentity", lease->holder, "leaseDurationSeconds", USH_LEASE_SECONDS, "acquireTime", time, "renewTime", time);
}

static int busy(struct ush_lease *lease, const char *holder, int64_t until, struct ush_error *err)
{
	USH_AUTO_FREE char *time = micro_time(until), *command = ush_way_kubectl(lease->kube->way, "delete lease -n %s %s", lease->namespace_name, lease->use->name);

	time[19] = '\0';
	lease->tried = false;
	lease->busy = until <= ush_kube_now(lease->kube) + SPOILT; /* to wait for the end of any other leads nowhere */
	ush_fail(err, USH_ERR_REFUSED, "another usher-broker is %s (%s); nothing was written", lease->use->doing, holder);
	if (!lease->busy)
		return ush_hint(err, "Its lease says until %s UTC, which no usher-broker writes; if none runs: %s", time, command);
	return ush_hint(err, "Try again; should it have died, its lease ends at %s UTC", time);
}

static void renewed(struct ush_lease *lease, json_t *object, int64_t now_ms)
{
	json_decref(lease->object);
	lease->object = object;
	lease->renewed_ms = now_ms;
	lease->due_ms = now_ms + USH_LEASE_RENEW * 1000;
}

/* Puts our name and the time on the Lease as it is there. */
static void sign(const struct ush_lease *lease, json_t *object, bool acquire)
{
	USH_AUTO_FREE char *time = micro_time(ush_kube_now(lease->kube));
	json_t *spec = json_object_get(object, "spec");

	if (!json_is_object(spec)) {
		spec = json_object();
		json_object_set_new(object, "spec", spec);
	}
	json_object_set_new(spec, "holderIdentity", json_string(lease->holder));
	json_object_set_new(spec, "leaseDurationSeconds", json_integer(USH_LEASE_SECONDS));
	if (acquire) {
		json_object_set_new(spec, "acquireTime", json_string(time));
		json_object_set_new(spec, "leaseTransitions", json_integer(json_integer_value(json_object_get(spec, "leaseTransitions")) + 1));
	}
	json_object_set_new(spec, "renewTime", json_string(time));
}

static int put(struct ush_lease *lease, json_t *object, bool acquire, int *status, struct ush_error *err)
{
	int64_t now_ms = ush_boot_ms(lease->kube->world);
	json_t *after = NULL;

	sign(lease, object, acquire);
	lease->tried = true;
	if (ush_kube_update(lease->kube, lease->path, object, status, &after, err) != 0)
		return -1;
	if (after != NULL)
		renewed(lease, after, now_ms);
	return 0;
}

static bool is_ours(const struct ush_lease *lease, const json_t *object)
{
	const char *holder = ush_json_string(ush_json_object(object, "spec"), "holderIdentity");

	return holder != NULL && strcmp(holder, lease->holder) == 0;
}

/*
 * The server says that somebody came first. When the answer to our own write was lost and the write was sent again, that
 * was us: the holder's name has a random part.
 */
static int came_first(struct ush_lease *lease, int64_t now, int64_t began_ms, struct ush_error *err)
{
	USH_AUTO_JSON object = NULL;
	const char *holder;
	int status;

	if (ush_kube_get(lease->kube, lease->path, &status, &object, err) != 0)
		return -1;
	holder = ush_json_string(ush_json_object(object, "spec"), "holderIdentity");
	if (!is_ours(lease, object))
		return busy(lease, holder != NULL ? holder : "it came first just now", now + USH_LEASE_SECONDS, err);
	renewed(lease, ush_steal(&object), began_ms);
	return 0;
}

static int check(const struct ush_lease *lease, struct ush_error *err)
{
	return lease->use->check != NULL ? lease->use->check(lease->use->context, err) : 0;
}

static int take_over(struct ush_lease *lease, json_t *object, int64_t now, struct ush_error *err)
{
	const json_t *spec = ush_json_object(object, "spec");
	const char *holder = ush_json_string(spec, "holderIdentity");
	int64_t until = end_of(spec);
	int64_t began_ms = ush_boot_ms(lease->kube->world);
	int status, checked;

	if (holder != NULL && *holder != '\0' && until > now)
		return busy(lease, holder, until, err);
	checked = check(lease, err);
	if (checked != 0)
		return checked;
	if (put(lease, object, true, &status, err) != 0)
		return -1;
	return status == 200 ? 0 : came_first(lease, now, began_ms, err);
}

static int make(struct ush_lease *lease, int64_t now, struct ush_error *err)
{
	USH_AUTO_JSON created = lease_json(lease, lease->namespace_name, now);
	int64_t began_ms = ush_boot_ms(lease->kube->world);
	int status, checked = check(lease, err);

	if (checked != 0)
		return checked;
	lease->tried = true;
	if (ush_kube_create(lease->kube, lease->list, created, false, &status, err) != 0) {
		USH_AUTO_FREE char *command = ush_way_kubectl(lease->kube->way, "create namespace %s", lease->namespace_name);

		if (status == 404)
			ush_hint(err, "Keep state and lease elsewhere (cluster.stateNamespace of the policy), or make the namespace: %s", command);
		return ush_error_at(err, "the lease in %s", lease->namespace_name);
	}
	if (status == 409)
		return came_first(lease, now, began_ms, err);
	if (ush_kube_get(lease->kube, lease->path, &status, &lease->object, err) != 0)
		return -1;
	renewed(lease, json_incref(lease->object), began_ms);
	return lease->object != NULL ? 0 : ush_fail(err, USH_ERR_REJECTED, "the lease is gone right after it was made");
}

int ush_lease_take_for(struct ush_lease *lease, const struct ush_lease_use *use, const struct ush_kube *kube, const char *namespace_name, const char *holder,
		       struct ush_error *err)
{
	USH_AUTO_JSON object = NULL;
	int status;

	*lease = (struct ush_lease){.kube = kube, .use = use, .holder = ush_strdup(holder)};
	lease->namespace_name = ush_strdup(namespace_name);
	lease->list = ush_printf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", namespace_name);
	lease->path = ush_printf("%s/%s", lease->list, use->name);
	if (ush_kube_get(kube, lease->path, &status, &object, err) != 0)
		return -1;
	return object != NULL ? take_over(lease, object, ush_kube_now(kube), err) : make(lease, ush_kube_now(kube), err);
}

int ush_lease_take(struct ush_lease *lease, const struct ush_kube *kube, const char *namespace_name, const char *holder, struct ush_error *err)
{
	static const struct ush_lease_use applying = {USH_LEASE_NAME, "applying", NULL, NULL};

	return ush_lease_take_for(lease, &applying, kube, namespace_name, holder, err);
}

static int lost(struct ush_lease *lease, const char *why)
{
	return ush_fail(&lease->lost, USH_ERR_REFUSED, "the lease was lost on the way: %s", why);
}

int ush_lease_keep(struct ush_lease *lease, struct ush_error *err)
{
	int status;

	if (ush_lease_holds(lease, err) < 0)
		return -1;
	if (ush_boot_ms(lease->kube->world) < lease->due_ms)
		return 0;
	if (put(lease, lease->object, false, &status, err) != 0)
		return -1;
	if (status == 200)
		return 0;
	lost(lease, "another usher-broker took it");
	return ush_lease_holds(lease, err);
}

bool ush_lease_due(struct ush_lease *lease, struct ush_kube_task *task)
{
	int64_t now_ms = ush_boot_ms(lease->kube->world);
	USH_AUTO_FREE char *body = NULL;

	if (lease->asked_ms != 0 || lease->lost.code != USH_OK || lease->object == NULL || now_ms < lease->due_ms)
		return false;
	sign(lease, lease->object, false);
	body = json_dumps(lease->object, JSON_COMPACT);
	*task = (struct ush_kube_task){.verb = USH_KUBE_UPDATE, .path = ush_strdup(lease->path)};
	ush_buf_puts(&task->body, body);
	lease->asked_ms = now_ms;
	return true;
}

void ush_lease_took(struct ush_lease *lease, const struct ush_kube_result *result)
{
	int64_t asked_ms = lease->asked_ms;

	lease->asked_ms = 0;
	if (result->end == USH_KUBE_DONE)
		renewed(lease, json_incref(result->answer), asked_ms);
	else if (result->end != USH_KUBE_FAILED)
		lost(lease, result->answer != NULL ? "another usher-broker took it" : "somebody deleted it");
	else if (ush_boot_ms(lease->kube->world) - lease->renewed_ms > USH_LEASE_LAPSE * 1000)
		lost(lease, result->err.what);
	else
		lease->due_ms = ush_boot_ms(lease->kube->world) + USH_LEASE_AGAIN * 1000;
}

int ush_lease_holds(struct ush_lease *lease, struct ush_error *err)
{
	if (lease->object == NULL)
		return ush_fail(err, USH_ERR_REFUSED, "the lease is not held");
	if (lease->lost.code != USH_OK)
		return ush_fail(err, lease->lost.code, "%s", lease->lost.what);
	return ush_boot_ms(lease->kube->world) - lease->renewed_ms > USH_LEASE_LAPSE * 1000;
}

/* What the server has now, if it bears our name: it does when only the answer to our write was lost. */
static bool find_ours(struct ush_lease *lease, const struct ush_kube *parting)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON object = NULL;
	int status;

	if (ush_kube_get(parting, lease->path, &status, &object, &ignored) != 0 || !is_ours(lease, object))
		return false;
	json_decref(lease->object);
	lease->object = ush_steal(&object);
	return true;
}

/* The server's status. */
static int give_back(const struct ush_lease *lease, const struct ush_kube *parting)
{
	struct ush_error ignored = {0};
	json_t *spec = json_object_get(lease->object, "spec");
	int status = 0;

	json_object_del(spec, "holderIdentity");
	json_object_set_new(spec, "leaseDurationSeconds", json_integer(1));
	ush_kube_update(parting, lease->path, lease->object, &status, NULL, &ignored);
	return status;
}

void ush_lease_release(struct ush_lease *lease)
{
	if ((lease->object != NULL || lease->tried) && lease->lost.code == USH_OK) {
		struct ush_kube parting = *lease->kube; /* after a SIGTERM too, or the next run would wait for it to end */

		parting.parting = true;
		if ((lease->object == NULL || give_back(lease, &parting) == 409) && find_ours(lease, &parting))
			give_back(lease, &parting);
	}
	json_decref(lease->object);
	free(lease->holder);
	free(lease->namespace_name);
	free(lease->list);
	free(lease->path);
	*lease = (struct ush_lease){0};
}
