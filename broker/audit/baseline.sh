#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes the table of a Kubernetes minor's own RBAC objects: baseline.sh KUBECONFIG >baseline-1.NN.inc
# The API server is a fresh one of that minor, started with
#   --feature-gates=AllAlpha=true,AllBeta=true --runtime-config=api/all=true
# so that what a gate adds to a default is known too. The table holds what recognition compares and nothing else.
set -eu -o pipefail
minor=$(kubectl --kubeconfig "$1" get --raw /version | jq -r '.major + "." + .minor')
echo '/* SPDX-License-Identifier: Apache-2.0'
echo " * The RBAC objects that a kube-apiserver $minor makes by itself, all feature gates on. Written by baseline.sh. */"
kubectl --kubeconfig "$1" get clusterroles,clusterrolebindings,roles,rolebindings -A -o json | jq -r '
	.items | sort_by(.kind, .metadata.namespace // "", .metadata.name)[] |
	{ apiVersion, kind,
	  metadata: ({ name: .metadata.name, namespace: .metadata.namespace,
	               labels: ((.metadata.labels // {}) | with_entries(select(.key | startswith("rbac.authorization.k8s.io/aggregate-to-")))) }
	             | with_entries(select(.value != null and .value != {}))),
	  aggregationRule, rules, roleRef,
	  subjects: (if .subjects then [.subjects[] | del(.apiGroup)] else null end) }
	| with_entries(select(.value != null)) | tojson | tojson + ","'
