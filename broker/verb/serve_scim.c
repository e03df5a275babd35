/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker serve-scim: takes users and groups that a provider pushes (SCIM 2.0), and keeps them in a folder that the
 * source `file` reads.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/receive/server.h"
#include "broker/serve/listen.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

static const char *address, *cert, *key, *token, *folder, *people = "userName";
static long max_users = 100000, max_groups = 10000, max_rate = 1000;
static bool insecure, provisioned;

static const struct ush_option rows[] = {
	{"listen", 0, USH_OPTION_STRING, "ADDRESS:PORT", "where to listen", &address},
	{"tls-cert", 0, USH_OPTION_STRING, "FILE", "certificate and chain, PEM", &cert},
	{"tls-key", 0, USH_OPTION_STRING, "FILE", "its key, PEM, ours alone", &key},
	{"token-file", 0, USH_OPTION_STRING, "FILE", "the bearer token that the provider shows, or two, a line each; ours alone", &token},
	{"store", 0, USH_OPTION_STRING, "FOLDER", "where what was pushed is kept", &folder},
	{"people-name", 0, USH_OPTION_CHOICE, "userName|email|externalId", "what groups.json calls people, userName unless said", &people},
	{"max-users", 0, USH_OPTION_NUMBER, "N", "no more users, 100000 unless said", &max_users},
	{"max-groups", 0, USH_OPTION_NUMBER, "N", "no more groups, 10000 unless said", &max_groups},
	{"max-rate", 0, USH_OPTION_NUMBER, "N", "no more requests a second, 1000 unless said, 0 for no limit", &max_rate},
	{"provisioned", 0, USH_OPTION_FLAG, NULL, "say that the first provisioning is finished; without --listen that is all", &provisioned},
	{"insecure-loopback", 0, USH_OPTION_FLAG, NULL, "no TLS, behind a proxy on this machine: only at a loopback address", &insecure},
	{NULL},
};

static int check_options(struct ush_error *err)
{
	if (folder == NULL)
		return ush_fail(err, USH_ERR_USAGE, "--store is missing: which folder?");
	if (address == NULL && provisioned)
		return 0;
	if (address == NULL)
		return ush_fail(err, USH_ERR_USAGE, "--listen is missing: where to?");
	if (token == NULL)
		return ush_fail(err, USH_ERR_USAGE, "--token-file is missing: without a token anybody could push");
	if (insecure && (cert != NULL || key != NULL))
		return ush_fail(err, USH_ERR_USAGE, "--insecure-loopback and a certificate: which is it?");
	if (insecure && !ush_listen_is_loopback(address))
		return ush_fail(err, USH_ERR_USAGE, "--insecure-loopback at %s: without TLS it listens at 127.0.0.1 or [::1] alone", address);
	if (!insecure && (cert == NULL || key == NULL)) {
		ush_fail(err, USH_ERR_USAGE, "--tls-cert and --tls-key are missing: the token is worth every binding");
		return ush_hint(err, "Behind a proxy on this machine: --insecure-loopback");
	}
	if (max_users > USH_GROUPS_MAX * 10L || max_groups > USH_GROUPS_MAX)
		return ush_fail(err, USH_ERR_USAGE, "--max-users is at most %ld, --max-groups at most %d", USH_GROUPS_MAX * 10L, USH_GROUPS_MAX);
	return 0;
}

/* Token and key are in memory for long. */
static void harden(void)
{
	const struct rlimit no_core = {0, 0};

	umask(077);
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may become no larger is an error like any other */
}

/* A descriptor that can be read when a signal came. */
static int take_signals(struct ush_error *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : ush_fail(err, USH_ERR_STORE, "signals: %s", strerror(errno));
}

static int serve(struct ush_receiver *receiver, struct ush_error *err)
{
	int signals = take_signals(err);
	struct signalfd_siginfo info = {0};

	if (signals < 0)
		return -1;
	do {
		ush_receiver_run(receiver, signals);
		if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
			info.ssi_signo = 0;
		if (info.ssi_signo == SIGHUP)
			ush_receiver_reload(receiver);
	} while (info.ssi_signo != SIGINT && info.ssi_signo != SIGTERM);
	close(signals);
	return 0;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	struct ush_broker_options options = {0};
	USH_AUTO_BROKER broker = {0};
	struct ush_receiver receiver = {.listen = address, .cert_file = cert, .key_file = key, .token_file = token, .plain = insecure, .gate = {.rate = max_rate}};
	int result;

	(void)count;
	(void)operands;
	if (check_options(err) != 0)
		return -1;
	harden();
	if (address == NULL)
		return ush_room_provisioned(folder, err);
	if (ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	receiver.world = &broker.world;
	receiver.room.store.max_users = (size_t)max_users;
	receiver.room.store.max_groups = (size_t)max_groups;
	receiver.room.store.people = people;
	receiver.room.provisioned = provisioned;
	result = ush_receiver_open(&receiver, folder, err);
	if (result == 0 && provisioned)
		result = ush_room_provisioned(folder, err);
	if (result == 0)
		result = serve(&receiver, err);
	if (ush_receiver_close(&receiver, err) != 0)
		result = -1;
	return result;
}

const struct ush_verb ush_verb_serve_scim = {"serve-scim", "", "take users and groups that a provider pushes (SCIM 2.0), for the source `file`", rows, 0, 0, run};
