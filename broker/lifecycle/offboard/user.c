/* SPDX-License-Identifier: Apache-2.0
 *
 * A person: out of the bindings, and then what the person could have used.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"

#define TOKENS "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"

/* ---- lists ---- */

static int take_role(void *context, struct ush_item *item, struct ush_error *err)
{
	struct ush_offboard *o = context;

	return ush_dossier_role(&o->dossier, item, err);
}

static int take_account(void *context, struct ush_item *item, struct ush_error *err)
{
	struct ush_offboard *o = context;

	(void)err;
	ush_dossier_account(&o->dossier, item);
	return 0;
}

static int take_secret(void *context, struct ush_item *item, struct ush_error *err)
{
	struct ush_offboard *o = context;

	(void)err;
	ush_dossier_secret(&o->dossier, item);
	return 0;
}

static int take_request(void *context, struct ush_item *item, struct ush_error *err)
{
	struct ush_offboard *o = context;

	(void)err;
	ush_dossier_request(&o->dossier, item, ush_kube_now(o->kube));
	return 0;
}

static void keep_roles(void *context) /* the same role twice does no harm */
{
	(void)context;
}

static void forget_accounts(void *context)
{
	ush_dossier_forget_accounts(&((struct ush_offboard *)context)->dossier);
}

static void forget_secrets(void *context)
{
	ush_dossier_forget_secrets(&((struct ush_offboard *)context)->dossier);
}

static void forget_requests(void *context)
{
	ush_dossier_forget_requests(&((struct ush_offboard *)context)->dossier);
}

static int look_further(struct ush_offboard *o, struct ush_error *err)
{
	struct ush_dossier *d = &o->dossier;
	USH_AUTO_FREE char *roles = ush_rbac_list_path(USH_ROLE, NULL), *cluster_roles = ush_rbac_list_path(USH_CLUSTER_ROLE, NULL);
	const struct ush_offboard_list lists[] = {
		{roles, "Roles", take_role, keep_roles, false},
		{cluster_roles, "ClusterRoles", take_role, keep_roles, false},
		{"/api/v1/serviceaccounts", "ServiceAccounts", take_account, forget_accounts, true},
		{TOKENS, "Secrets (names of token Secrets)", take_secret, forget_secrets, true},
		{"/apis/certificates.k8s.io/v1/certificatesigningrequests", "CertificateSigningRequests", take_request, forget_requests, false},
	};

	d->minor = o->kube->config->minor > 0 ? o->kube->config->minor : 0;
	ush_dossier_want_roles(d);
	for (size_t i = 0; i < USH_COUNT(lists); i++) {
		bool wanted = i == 0 ? ush_dossier_wants(d, USH_ROLE) : i == 1 ? ush_dossier_wants(d, USH_CLUSTER_ROLE) : i == 4 || d->reach_count > 0;

		if (wanted && ush_offboard_read(o, &lists[i], err) != 0)
			return -1;
		if (i == 1)
			ush_dossier_reach(d);
	}
	return 0;
}

/* ---- in order ---- */

static void collect_groups(struct ush_offboard *o)
{
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; k < o->sources[i].in_count; k++) {
			const struct ush_group *group = &o->sources[i].groups.items[o->sources[i].in[k]];
			USH_AUTO_FREE char *text = ush_name_group(o->policy, group->id, group->name, group->path);

			ush_list_add(&o->dossier.groups, text);
		}
	ush_list_add(&o->dossier.groups, "system:authenticated");
	ush_list_sort(&o->dossier.groups);
}

static bool is_held(const struct ush_offboard *o)
{
	for (size_t i = 0; i < o->dossier.hold_count; i++)
		if (o->dossier.holds[i].direct != NULL)
			return true;
	return false;
}

static int nobody(const struct ush_offboard *o, struct ush_error *err)
{
	USH_AUTO_FREE char *near = ush_near_text(&o->near);

	if (ush_report_unknown(o->report) > 0)
		ush_fail(err, USH_ERR_INCOMPLETE, "nothing that could be looked at knows %.150s%s; nothing was done", o->name, near);
	else
		ush_fail(err, USH_DIFFERENCES, "no source and no binding knows %.150s%s; nothing was done", o->name, near);
	return ush_hint(err, "To keep the name out all the same: --anyway");
}

static void begin_dossier(struct ush_offboard *o)
{
	o->dossier.policy = o->policy->name;
	for (size_t i = 0; i < o->names.told.count; i++)
		ush_spellings_add_text(&o->dossier.users, o->names.told.items[i]);
}

int ush_offboard_user(struct ush_offboard *o, struct ush_error *err)
{
	struct ush_error ledger = {0};
	int result;

	ush_offboard_recall(o);
	if (o->known || o->maybe || o->anyway || o->recalled)
		ush_offboard_deny(o, &ledger);
	begin_dossier(o);
	ush_offboard_read_groups(o);
	collect_groups(o);
	if (o->known && ledger.code == USH_OK)
		ush_offboard_deny(o, &ledger);
	ush_offboard_tell_sources(o);
	o->dossier.near = o->known ? NULL : &o->near;
	if (ush_offboard_bindings(o, NULL, err) != 0)
		return -1;
	if (!o->known && !o->maybe && !o->anyway && !o->recalled && !is_held(o))
		return nobody(o, err);
	if (ledger.code == USH_OK)
		ush_offboard_deny(o, &ledger);
	result = ush_offboard_holds(o, err);
	if (result == 0)
		result = look_further(o, err);
	ush_offboard_tell_findings(o);
	ush_offboard_tell_strangers(o);
	return result;
}
