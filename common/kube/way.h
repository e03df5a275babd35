/* SPDX-License-Identifier: Apache-2.0
 *
 * How a person gets to where we are: what a command must be told to mean this cluster and this policy when it is pasted
 * into the shell that we were started from. Whoever tells somebody to run something makes the command here. Pure.
 */
#ifndef USH_KUBE_WAY_H
#define USH_KUBE_WAY_H

struct ush_way { /* each with a space in front, words as a shell reads them; zero-initialised: nothing need be said */
	char *kubectl; /* " --kubeconfig FILE --context NAME"; NULL or "": it finds the cluster by itself, as we did */
	char *broker;  /* " -f POLICY --cluster NAME ..."; NULL: nobody knows, and it is " -f POLICY" as it stands here */
	char *policy;  /* " -f POLICY" alone, for what asks no cluster; NULL likewise */
	char *state;   /* " --state-namespace NAME", for what asks no cluster and prints what it is to be like; NULL or "": as ever */
};

void ush_way_free(struct ush_way *way);

/* " --NAME WORD", the word quoted where it must be; "" when value is NULL. The caller frees. */
char *ush_way_option(const char *name, const char *value);

/* "kubectl --context prod get pods": the format says what follows "kubectl ". way may be NULL: no options. The caller frees. */
char *ush_way_kubectl(const struct ush_way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "usher-broker elevate -f policy.yaml --cluster prod --end 0a1b2c3d": the format says what follows "usher-broker ", the verb
 * first. way may be NULL. The caller frees. */
char *ush_way_broker(const struct ush_way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of a verb that asks no cluster: "usher-broker groups -f policy.yaml". */
char *ush_way_policy(const struct ush_way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "usher-broker rbac --for onboard -f policy.yaml": the rights that it takes. whom NULL: those of a run. */
char *ush_way_rights(const struct ush_way *way, const char *whom);

#endif
