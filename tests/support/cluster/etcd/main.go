// SPDX-License-Identifier: Apache-2.0

// Command etcd is the etcd server as its module has it. Debian 12 ships 3.4, whose watches are too old for today's API server.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
