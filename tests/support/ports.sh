#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ports.sh N: N loopback ports that the kernel says are free, on one line. All are held while the others are asked for.
exec perl -MIO::Socket::INET -e '
	my @held = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 0) or die "ports.sh: $!\n" } 1 .. $ARGV[0];
	print join(" ", map { $_->sockport } @held), "\n"' "${1:-1}"
