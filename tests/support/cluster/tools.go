// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package cluster pins the Kubernetes release that the end-to-end tests run against; cluster.sh builds it from modules.
package cluster

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
