/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/lease.h"

#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define SPOILT (10 * USH_LEASE_SECONDS) /* a lease that ends later than clocks differ was edited by hand */

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

	return end != NULL ? timegm(&tm) : 0;
}

static json_t *lease_json(const struct ush_lease *lease, const char *namespace_name, int64_t now)
{
	USH_AUTO_FREE char *time = micro_time(now);

	return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:i, s:s, s:s}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata",
			 "name", USH_LEASE_NAME, "namespace", namespace_name, "labels", "app.kubernetes.io/managed-by", "usher-broker", "spec",
			 "holderIdentity", lease->holder, "leaseDurationSeconds", USH_LEASE_SECONDS, "acquireTime", time, "renewTime", time);
}

static int busy(const struct ush_lease *lease, const char *holder, int64_t until, struct ush_error *err)
{
	USH_AUTO_FREE char *time = micro_time(until);

	time[19] = '\0';
	ush_fail(err, USH_ERR_REFUSED, "another usher-broker is applying (%s); nothing was written", holder);
	if (until > ush_now(lease->kube->world) + SPOILT)
		return ush_hint(err, "Its lease says until %s UTC, which no usher-broker writes; if none runs: kubectl delete lease -n %s " USH_LEASE_NAME, time,
				lease->namespace_name);
	return ush_hint(err, "Try again; should it have died, its lease ends at %s UTC", time);
}

/* Puts our name on the Lease that is there. */
static int put(struct ush_lease *lease, json_t *object, int64_t now, bool acquire, int *status, struct ush_error *err)
{
	USH_AUTO_FREE char *time = micro_time(now);
	json_t *spec = json_object_get(object, "spec"), *after = NULL;

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
	if (ush_kube_update(lease->kube, lease->path, object, status, &after, err) != 0)
		return -1;
	if (after != NULL) {
		json_decref(lease->object);
		lease->object = after;
		lease->renewed = now;
	}
	return 0;
}

/*
 * The server says that somebody came first. When the answer to our own write was lost and the write was sent again, that
 * was us: the holder's name has a random part.
 */
static int came_first(struct ush_lease *lease, int64_t now, struct ush_error *err)
{
	USH_AUTO_JSON object = NULL;
	const char *holder;
	int status;

	if (ush_kube_get(lease->kube, lease->path, &status, &object, err) != 0)
		return -1;
	holder = ush_json_string(ush_json_object(object, "spec"), "holderIdentity");
	if (holder == NULL || strcmp(holder, lease->holder) != 0)
		return busy(lease, holder != NULL ? holder : "it came first just now", now + USH_LEASE_SECONDS, err);
	json_decref(lease->object);
	lease->object = ush_steal(&object);
	lease->renewed = now;
	return 0;
}

static int take_over(struct ush_lease *lease, json_t *object, int64_t now, struct ush_error *err)
{
	const json_t *spec = ush_json_object(object, "spec");
	const char *holder = ush_json_string(spec, "holderIdentity");
	int64_t until = seconds_of(ush_json_string(spec, "renewTime")) + json_integer_value(json_object_get(spec, "leaseDurationSeconds"));
	int status;

	if (holder != NULL && *holder != '\0' && until > now)
		return busy(lease, holder, until, err);
	if (put(lease, object, now, true, &status, err) != 0)
		return -1;
	return status == 200 ? 0 : came_first(lease, now, err);
}

int ush_lease_take(struct ush_lease *lease, const struct ush_kube *kube, const char *namespace_name, const char *holder, struct ush_error *err)
{
	USH_AUTO_JSON object = NULL;
	USH_AUTO_JSON created = NULL;
	int64_t now = ush_now(kube->world);
	int status;

	*lease = (struct ush_lease){.kube = kube, .holder = ush_strdup(holder)};
	lease->namespace_name = ush_strdup(namespace_name);
	lease->list = ush_printf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", namespace_name);
	lease->path = ush_printf("%s/" USH_LEASE_NAME, lease->list);
	if (ush_kube_get(kube, lease->path, &status, &object, err) != 0)
		return -1;
	if (object != NULL)
		return take_over(lease, object, now, err);
	created = lease_json(lease, namespace_name, now);
	if (ush_kube_create(kube, lease->list, created, false, &status, err) != 0) {
		if (status == 404)
			ush_hint(err, "Make the namespace, or keep state and lease elsewhere: --state-namespace NAME");
		return ush_error_at(err, "the lease in %s", namespace_name);
	}
	if (status == 409)
		return came_first(lease, now, err);
	if (ush_kube_get(kube, lease->path, &status, &lease->object, err) != 0)
		return -1;
	lease->renewed = now;
	return lease->object != NULL ? 0 : ush_fail(err, USH_ERR_REJECTED, "the lease is gone right after it was made");
}

int ush_lease_keep(struct ush_lease *lease, struct ush_error *err)
{
	int64_t now = ush_now(lease->kube->world);
	int status;

	if (lease->object != NULL && now - lease->renewed < USH_LEASE_RENEW)
		return 0;
	if (lease->object == NULL || put(lease, lease->object, now, false, &status, err) != 0)
		return -1;
	return status == 200 ? 0 : ush_fail(err, USH_ERR_REFUSED, "the lease was lost on the way: another usher-broker took it");
}

void ush_lease_release(struct ush_lease *lease)
{
	struct ush_error ignored = {0};
	int status;

	if (lease->object != NULL) {
		json_t *spec = json_object_get(lease->object, "spec");

		json_object_del(spec, "holderIdentity");
		json_object_set_new(spec, "leaseDurationSeconds", json_integer(1));
		ush_kube_update(lease->kube, lease->path, lease->object, &status, NULL, &ignored);
	}
	json_decref(lease->object);
	free(lease->holder);
	free(lease->namespace_name);
	free(lease->list);
	free(lease->path);
	*lease = (struct ush_lease){0};
}
