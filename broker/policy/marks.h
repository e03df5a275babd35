/* SPDX-License-Identifier: Apache-2.0
 *
 * The labels by which an object is known to be ours.
 */
#ifndef USH_POLICY_MARKS_H
#define USH_POLICY_MARKS_H

#define USH_LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define USH_MANAGED_BY	     "usher-broker"
#define USH_LABEL_POLICY     "usher.dev/policy"

/* Of a RoleBinding for a time: the label that names its entry in the ledger. It never bears the label of a policy. */
#define USH_LABEL_ELEVATION    "usher.dev/elevation"
#define USH_LABEL_ELEVATION_OF "usher.dev/elevation-of" /* the policy in whose ledger that is */
#define USH_ANNOTATION_EXPIRES "usher.dev/expires-at"   /* for people: the ledger alone decides */
#define USH_ANNOTATION_REASON  "usher.dev/reason"
#define USH_ANNOTATION_BY      "usher.dev/by"

#endif
