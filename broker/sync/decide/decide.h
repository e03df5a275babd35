/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of reconcile share while a plan is made: one_binding.c and one_role.c (one object), vanished.c
 * (subjects that no present group accounts for), nameless.c (those whose record is lost), consent.c (groups made anew),
 * next_state.c (what the next run is told), brake.c, people.c (what it means for people).
 */
#ifndef USH_SYNC_DECIDE_H
#define USH_SYNC_DECIDE_H

#include "broker/source/index.h"
#include "broker/sync/decide/reconcile.h"
#include "broker/sync/want/texts.h"

struct ush_access { /* a group's, or a person's, access to a namespace; all borrowed */
	const char *namespace_name, *text;
	const struct ush_group *group; /* NULL: who is in it is not known, or it is a person */
	bool person;
};

struct ush_accesses {
	struct ush_access *items;
	size_t count;
};

struct ush_claim { /* a grant by the group it names */
	const char *group;
	size_t grant;
};

struct ush_old { /* a name with the id it had, and the binding that says so; borrowed */
	const char *source, *text, *id;
	const struct ush_seen *seen;
};

struct ush_decide {
	const struct ush_reconcile *in;
	struct ush_desired *desired;
	const struct ush_policy *policy;
	struct ush_plan *plan;
	struct ush_claim *claims; /* sorted by group */
	size_t claim_count, pattern_count;
	size_t *patterns;	  /* grants with a groupPattern */
	struct ush_keys needed;	  /* Roles that bindings refer to which stay although nobody wants them (ush_decide_key) */
	struct ush_keys held;	  /* groups, by place, source, id and name, that some binding holds already */
	struct ush_old *olds;	  /* sorted by text and source: what bindings say that differ from what is wanted */
	size_t old_count;
	bool *anew;		  /* one a resolved: a group of that name was there before, and it is another one now (ush_decide_waits) */
	bool *peopled;		  /* one a source: some group of it has a member */
	bool *mourned;		  /* one a grant: its group is gone and some binding still holds it */
	size_t *ending;		  /* grants that ended and speak of the subject that is looked at */
	size_t ending_count;
	bool *ended;		  /* one a grant: somebody lost access because it ended */
	struct ush_state stones;  /* tombstones of this run */
	struct ush_called *called; /* one a source (ush_decide_called) */
	uint32_t *bodies;	  /* of the plan, one a shape and shard; 0: not made yet. NULL: too many to remember */
	struct ush_keys losses;	  /* what somebody loses: namespace, role and name */
	struct ush_keys harmless; /* bindings that go and take nothing from anybody (ush_decide_key) */
	size_t harmless_count;
	struct ush_keys everybody; /* people in any group, once losses.c asked */
	bool people_known;
	struct ush_accesses lost, gained;
	struct ush_accesses staying; /* of bindings that differ from what is wanted: who stays beside those wanted */
};

uint64_t ush_decide_key(const char *a, const char *b);

/* The policy's source of that name, SIZE_MAX when it has none. name may be NULL. */
size_t ush_decide_source(const struct ush_decide *d, const char *name);

/* Notes what is there now: whoever applies the change makes sure that it still is. */
void ush_decide_from_seen(struct ush_decide *d, struct ush_change *change, const struct ush_seen *seen);

/* An object that is ours after the plan. */
void ush_decide_note(struct ush_decide *d, enum ush_rbac_kind kind, const char *namespace_name, const char *name, size_t body);

/* The body of a wanted object just as it is wanted. */
size_t ush_decide_body(struct ush_decide *d, size_t wanted);

/* wanted SIZE_MAX: nobody wants it; seen NULL: it is not there, or just as wanted. */
void ush_decide_binding(struct ush_decide *d, size_t wanted, struct ush_seen *seen);
void ush_decide_role(struct ush_decide *d, size_t wanted, const struct ush_seen *seen);

/* claimed.c: nobody wants it here, and it is not ours to take away although it bears marks of ours: that is said. */
void ush_decide_claimed(struct ush_decide *d, const struct ush_seen *seen);

/* True when somebody else's Role stands where a wanted binding needs ours. */
bool ush_decide_blocked(const struct ush_decide *d, size_t wanted_binding);

/* The Role of a wanted binding, when it is ours, somebody made it say something else, and the policy leaves that as it is
 * (drift: report): nobody new is bound to it. Else NULL. */
const struct ush_seen *ush_decide_widened(const struct ush_decide *d, size_t wanted_binding);

/* circumstances.c: what is said of the run as a whole. */
void ush_decide_circumstances(struct ush_decide *d);

/* ---- turn.c ---- */

/* What a binding refers to, "ClusterRole/edit", is this role of the policy. */
bool ush_decide_names_role(const struct ush_policy *policy, size_t role, const char *refers);

/* What is there is for another role than a grant that speaks of it gives, by a hand or since the policy says so; not where the
 * policy leaves to others what they did. */
bool ush_decide_not_given(const struct ush_decide *d, size_t grant, const struct ush_seen *there);

/* What is there under a wanted binding's name is for the role that is wanted. */
bool ush_decide_refers(const struct ush_decide *d, size_t wanted, const struct ush_seen *there);

/* It is not, and may not be made anew in this run. */
bool ush_decide_stays_behind(const struct ush_decide *d, size_t wanted, const struct ush_seen *there);

/* ---- vanished.c ---- */

enum ush_leave { USH_LEAVE_NOW, USH_LEAVE_LATER, USH_LEAVE_FOLLOW, USH_LEAVE_UNKNOWN };

struct ush_leaving { /* a subject of a binding that is there, and what becomes of it */
	const struct ush_origin *subject;
	enum ush_leave leave;
	char *why;		       /* for people; NULL where it is said elsewhere; never NULL for NOW and FOLLOW */
	const struct ush_group *group; /* FOLLOW: what it is called now */
	const char *granted;	       /* FOLLOW: as the policy still calls it */
	bool moved;		       /* NOW: it is to have the same by a binding of another name */
	bool spoken;		       /* some grant speaks of it */
	/* What the next run is told of it, when group is not NULL. */
	struct ush_note {
		const char *source, *id; /* "": nobody knows any more which group of that name it was */
		const char *group, *text;
		int64_t since;
		long runs;
		bool removed;
	} note;
	struct ush_note *others; /* LATER: what other grants that speak of it say, whose names for it may be others */
	size_t other_count;
};

/* May this subject go, which no present group accounts for? What is to be noted of one that does not go now is the
 * caller's to note, once it is clear that it stays (ush_decide_remember). */
void ush_decide_leave(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *leaving);

/* The subject is to be in the binding for another role; but a grant gives it the one that the binding is for, and nothing
 * else is written for that, or it cannot be told. */
bool ush_decide_needs_role(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject);

/* The first complete runs without a group, or the run in which it may go: l says which, and what the next run is told. how:
 * "gone from", or "called otherwise in". */
void ush_decide_gone(struct ush_decide *d, size_t grant, struct ush_leaving *l, const char *how);

/* The grant's answer for one of its groups that is there, or for itself. */
void ush_decide_by_fate(struct ush_decide *d, size_t grant, const struct ush_seen *seen, const struct ush_resolved *r, struct ush_leaving *l);

/* The answer of one more grant: the most careful of all wins. Takes answer over. */
void ush_decide_answer(struct ush_leaving *l, struct ush_leaving *answer, bool *any);

/* What the next run is told. Several bindings may speak of one group: while one of them waits, the stone does. */
void ush_decide_stone(struct ush_decide *d, const struct ush_seen *seen, const struct ush_note *note);

/* The same of several grants. One name's stone is as old as the other's, or it would never come to all of them: while one
 * of them waits, so does one that might go. */
void ush_decide_stones(struct ush_decide *d, const struct ush_seen *seen, struct ush_note *notes, size_t count, bool waits);

/* Everything that was noted of one that leaves. */
void ush_decide_remember(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *leaving);

/* This subject is to be another group's, as granted: the name is not to go to a third one unseen. */
void ush_decide_forget(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *origin);
void ush_leaving_free(struct ush_leaving *leaving);

/* ---- spoken.c ---- */

struct ush_speakers { /* grants, each once */
	size_t *grants;
	size_t count;
};

/* Adds the grants that speak of a subject of the binding whose origin is known. */
void ush_decide_speakers(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject, struct ush_speakers *out);
void ush_speakers_free(struct ush_speakers *speakers);
#define USH_AUTO_SPEAKERS __attribute__((cleanup(ush_speakers_free))) struct ush_speakers

/* The binding is for the grant's role, or of the name that it asks for. */
bool ush_decide_gives(const struct ush_decide *d, const struct ush_grant *grant, const struct ush_seen *seen);

/* The name by which a grant that speaks of the subject means it, as the API server calls it; the plan's. */
const char *ush_decide_spoken_name(struct ush_decide *d, size_t grant, const struct ush_origin *subject);

/* It ended, or has not begun. */
bool ush_decide_out_of_time(const struct ush_decide *d, size_t grant);

/* ---- called.c ---- */

/* How many groups of a source the API server calls so; *one is one of them. */
size_t ush_decide_called(const struct ush_decide *d, size_t source, const char *text, const struct ush_group **one);
struct ush_called *ush_decide_called_new(const struct ush_decide *d);
void ush_decide_called_free(struct ush_decide *d);

/* ---- nameless.c ---- */

/* Nobody can say any more which group the subject was: the annotation that said so was spoilt, or taken off, or it came
 * from a source that the policy no longer has. */
bool ush_decide_is_nameless(const struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject);

/* Some grant may have meant it, and all that may have are over, or are to come. */
bool ush_decide_nameless_over(const struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject);

/* The answers of all grants that may have meant it; false: none did. */
bool ush_decide_nameless(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *l);

/* A source that was not read whole may have a group of that name, too, to which a grant gives the same. */
bool ush_decide_elsewhere(const struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject);

/* Of a binding of people: it cannot be told any more whose people they are. The subject is only a mark, "namespace/name";
 * vanished.c. */
void ush_decide_unrecorded(struct ush_decide *d, struct ush_leaving *l);

/* ---- consent.c ---- */

/* Finds groups that were deleted and made anew under the same name: nobody granted them anything yet. */
void ush_decide_anew(struct ush_decide *d);

/* One of those waits for a person's word in this place: no binding there holds it by its name yet. */
bool ush_decide_waits(const struct ush_decide *d, size_t resolved, size_t place);

/* The id that another group had which had the name: "" when nobody could read it any more. NULL: there was none. where: the
 * binding that says so, NULL when it is the state. */
const char *ush_decide_before(const struct ush_decide *d, const char *source, const char *id, const char *text, const struct ush_seen **where);

/* No other group had the name, or somebody said yes, or it has it in this place already. */
bool ush_decide_may_bear(const struct ush_decide *d, const char *source, const char *id, const char *text, size_t place);

/* What the binding's annotation says of this group is to be believed at all. */
bool ush_decide_counts(const struct ush_seen *seen, const struct ush_origin *origin);

/* It is offered for a person's word in this plan: the state remembers it as an heir when somebody gives it. */
void ush_decide_offer(struct ush_decide *d, const struct ush_origin *origin);
void ush_decide_heirs(struct ush_decide *d); /* those of before, while the group is there or the name remembered; after the stones */

/* ---- denied.c, elevation_due.c ---- */

/* Who stays out, and in what groups and namespaces all the same. */
void ush_decide_denied(struct ush_decide *d);

/* This group is denied: the subject goes, and why is said. A provider that is down keeps nobody in who was put out. */
bool ush_decide_bars(const struct ush_decide *d, struct ush_leaving *leaving, const char *source, const char *id, const char *text);

/* ---- next_state.c ---- */

/* What the next run is told, and the ApplySets, after this plan. */
void ush_decide_state(struct ush_decide *d);
void ush_decide_sets(struct ush_decide *d);

/* ---- people.c, brake.c ---- */

/* The group behind an origin, when its source still has it and said who is in it; else NULL. */
const struct ush_group *ush_decide_group(const struct ush_decide *d, const struct ush_origin *origin);
long ush_decide_people(const struct ush_group *group); /* -1: not known */

/* True when the source knows of anybody at all: one that lists groups without a single member is no ground for taking
 * people out. */
bool ush_decide_peopled(const struct ush_decide *d, const char *source);

/* Sentences for people, and the brake. After all changes are there. */
void ush_decide_people_lines(struct ush_decide *d);
void ush_decide_brake(struct ush_decide *d);

#endif
