/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: what a person decided outside of the policy, and every later run honours. Who was offboarded stays out,
 * whatever a source says (denied); who was given a role for an hour has it for an hour (elevated). Pure; ledger_store.h
 * keeps it.
 */
#ifndef USH_LEDGER_LEDGER_H
#define USH_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/kube/rbac.h"

#define USH_LEDGER_MAX	     2000   /* entries, and */
#define USH_LEDGER_TEXT_MAX 900000 /* bytes: what a ConfigMap holds */
#define USH_LEDGER_SHARE     4	   /* elevations have this part of both at most, so that who leaves always finds room; break-glass has no such limit */
#define USH_LEDGER_IN_FOLDER "folder"

enum ush_ledger_kind {
	USH_LEDGER_USER,      /* a person who was offboarded: no binding holds them */
	USH_LEDGER_GROUP,     /* likewise a group */
	USH_LEDGER_NAMESPACE, /* likewise a namespace: nothing of ours goes there */
	USH_LEDGER_ELEVATED,  /* a role in a namespace, for a time */
};

struct ush_ledger_entry {
	enum ush_ledger_kind kind;
	char *key;   /* 8 hex digits, by which people name it; an elevated binding carries it as label usher.dev/elevation */
	char *name;  /* of the person, group (a path or a name) or namespace, as somebody wrote it */
	char *source, *id;	   /* of a person or a group, at the provider, where known; else NULL */
	struct ush_list spellings; /* of a person or a group: all that the API server may call it, prefix included */
	int64_t since, until;	   /* Unix seconds of the cluster; until 0: it has no end (never so of an elevation) */
	char *by, *reason, *ticket; /* ticket may be NULL */
	/* of an elevation */
	bool group;   /* its subject is a group, else a person */
	char *subject; /* as the API server calls it: one of spellings */
	char *role;    /* as the policy calls it */
	char *namespace_name, *binding; /* where, and the RoleBinding's name */
	char *seal;    /* the break-glass grant of the policy that it used, or NULL */
	bool reviewed; /* a break-glass: somebody looked at it afterwards */
	bool ended;    /* a break-glass: it was seen to be over, so it holds nothing whatever the clock says; it waits for its review */
};

struct ush_ledger {
	struct ush_ledger_entry *items; /* sorted by kind, name, key */
	size_t count;
	char *uid; /* of the ConfigMap it was read from, or USH_LEDGER_IN_FOLDER: no part of the text; NULL: there is none */
};

/* Takes what the entry holds over and leaves it empty; one of the same key is replaced. False when there is no room, and
 * then it is the caller's still; ush_ledger_full says so. */
bool ush_ledger_add(struct ush_ledger *ledger, struct ush_ledger_entry *entry);

/* Drops and frees one; false when there is none of that key. */
bool ush_ledger_drop(struct ush_ledger *ledger, const char *key);

struct ush_ledger_entry *ush_ledger_find(const struct ush_ledger *ledger, const char *key);

/* The entry that keeps it out, or NULL. text is what the API server calls the person; spellings that differ in case, or
 * in the form of Unicode alone, are one person. */
const struct ush_ledger_entry *ush_ledger_bars_user(const struct ush_ledger *ledger, const char *text);

/* The same of who bears the prefix that the policy gives people: under another prefix, or none, it is the same person. */
const struct ush_ledger_entry *ush_ledger_bars_person(const struct ush_ledger *ledger, const char *prefix, const char *text);

/* What spellings of one person have in common, in whatever case and form of Unicode: it is what ush_ledger_bars_user compares. The caller frees. */
char *ush_ledger_folded(const char *text);

/* A group is known by source and id, and by its spellings whoever bears them: for the API server one name is one group. */
const struct ush_ledger_entry *ush_ledger_bars_group(const struct ush_ledger *ledger, const char *source, const char *id, const char *text);
const struct ush_ledger_entry *ush_ledger_bars_namespace(const struct ush_ledger *ledger, const char *name);

/* Of an elevation: whom it is for, or where, is kept out. prefix as of bars_person. */
const struct ush_ledger_entry *ush_ledger_bars_elevation(const struct ush_ledger *ledger, const char *prefix, const struct ush_ledger_entry *elevation);

/* Eight hex digits that no entry has yet, of what the entry says and of salt; the caller frees. */
char *ush_ledger_key(const struct ush_ledger *ledger, const struct ush_ledger_entry *entry, uint64_t salt);

/* "denied since 2026-11-21 by ann: left the company; usher-broker readmit -f POLICY --key 0a1b2c3d --reason TEXT": by the key, since
 * people paste it, and a name may hold what a shell runs. way (may be NULL): how they get to this ledger. The caller frees. */
struct ush_way;
char *ush_ledger_words(const struct ush_ledger_entry *entry, const struct ush_way *way);

/* "user", "group", "namespace", "elevated" */
const char *ush_ledger_kind_name(enum ush_ledger_kind kind);

void ush_ledger_entry_copy(struct ush_ledger_entry *to, const struct ush_ledger_entry *from); /* to: as if it were new */
void ush_ledger_entry_free(struct ush_ledger_entry *entry); /* what it holds */
void ush_ledger_free(struct ush_ledger *ledger);
#define USH_AUTO_LEDGER __attribute__((cleanup(ush_ledger_free))) struct ush_ledger

/* Byte-stable JSON text; the caller frees. */
char *ush_ledger_text(const struct ush_ledger *ledger);

/* USH_ERR_STORE when it is not what ush_ledger_text writes; where names it in the message. Unknown members are an error:
 * a later version may mean more by them than we could keep. */
int ush_ledger_read(struct ush_ledger *ledger, const char *text, const char *where, struct ush_error *err);

/* The name of a policy's ConfigMap: usher-broker-ledger, with "-POLICY" unless the policy is "default". The caller frees. */
char *ush_ledger_name(const char *policy);

#endif
