/* SPDX-License-Identifier: Apache-2.0
 *
 * A store of what is pushed, in the test's own process, and requests to it as if they came over the wire.
 */
#ifndef USH_TEST_PUSHED_H
#define USH_TEST_PUSHED_H

#include "broker/receive/service.h"

/* The next of a row of numbers that is the same on each run; 0 begins no row. */
uint32_t pushed_next(void);
void pushed_begin_row(uint32_t seed);

/* In which a millisecond passes each time that it is asked. */
const struct ush_world *pushed_world(void);

/* Answers "METHOD /scim/v2PATH" and returns the status; *told, where it is wanted, is the caller's. */
int pushed_ask(struct ush_room *room, const char *method, const char *path, const json_t *body, json_t **told);

/* A room for 1000 users and groups that is not open; one that is; and its changes on disk, or the test fails. */
void pushed_set_up(struct ush_room *room);
void pushed_open(struct ush_room *room, const char *folder);
void pushed_commit(struct ush_room *room);

/* As if the server were killed: nothing is written any more. Also for a room that could not be opened. */
void pushed_drop(struct ush_room *room);

/* Makes a user ("/Users", "userName") or a group; its id, which the caller frees. */
char *pushed_make(struct ush_room *room, const char *path, const char *attribute, const char *name);

/* A PATCH body for one member; and one that adds him. */
json_t *pushed_member(const char *op, const char *id);
void pushed_join(struct ush_room *room, const char *group, const char *id);

#endif
