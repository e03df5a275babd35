/* SPDX-License-Identifier: Apache-2.0
 *
 * One reading of a provider whose groups form one flat list: what such sources do alike. Every group once; the members
 * of the groups that somebody asks about, many groups at a time, held against the provider's own count; the list of
 * groups a second time at the end, for pages are no snapshot.
 */
#ifndef USH_SOURCE_READING_H
#define USH_SOURCE_READING_H

#include "broker/source/api.h"
#include "broker/source/listing.h"

struct ush_reading {
	struct ush_api api;
	const struct ush_source_question *question;
	struct ush_groups *groups;
	int64_t *counted; /* people of each group by the provider's word, -1: it says nothing */
	size_t counted_count;
	size_t uncounted; /* groups whose members were read and not counted */
	struct ush_listing list;
};
void ush_reading_free(struct ush_reading *r);

/*
 * A group of the first reading. Its path is "/name". counted as above. USH_ERR_INCOMPLETE for a group without id or
 * name, one that came before, and one too many.
 */
int ush_reading_group(struct ush_reading *r, const char *id, const char *name, int64_t counted, struct ush_error *err);

/* True when the first reading had this id. */
bool ush_reading_has(const struct ush_reading *r, const char *id);

/* The second reading begins; an id of it; and whether both agree: if not, groups are incomplete. */
void ush_reading_begin_again(struct ush_reading *r);
int ush_reading_again(struct ush_reading *r, const char *id, struct ush_error *err);
bool ush_reading_agree(struct ush_reading *r);

/* ---- members ---- */

struct ush_people {
	struct ush_reading *r;
	struct ush_group *group;
	int64_t counted; /* of the group; page may say it later */
	size_t listed;
	bool repeats; /* of the ops */
	void *seen;
};

struct ush_people_ops {
	size_t width;	  /* groups at a time */
	const char *const *extra; /* headers, or NULL */
	bool repeats;	  /* the provider may list one person twice; elsewhere that means that pages shifted */
	bool more;	  /* more may be listed than are counted (the count leaves some out), but never fewer */
	/* The first page of a group's members; the caller frees. */
	char *(*target)(const struct ush_reading *r, const struct ush_group *group);
	/* Takes one page by ush_people_add, as page of ush_api_chain. */
	int (*page)(struct ush_people *people, struct ush_api_answer *answer, char **next, struct ush_error *err);
};

/* Reads the members of all groups that are wanted. */
int ush_reading_people(struct ush_reading *r, const struct ush_people_ops *ops, struct ush_error *err);

enum ush_person {
	USH_PERSON_MAY,	     /* sign in */
	USH_PERSON_DISABLED,
	USH_PERSON_UNKNOWN,  /* somebody is there, and the provider does not say who */
};

/* name NULL or "": as USH_PERSON_UNKNOWN, unless he is disabled. USH_ERR_INCOMPLETE without an id. */
int ush_people_add(struct ush_people *people, const char *id, const char *name, enum ush_person state, struct ush_error *err);

#endif
