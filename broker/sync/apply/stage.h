/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside sync/: carrying out a plan, many changes at once. A stage is a part of the plan whose changes do not wait for
 * one another; each change is a job that goes from step to step (steps.c), a request a step. The lease is kept from
 * within.
 */
#ifndef USH_SYNC_STAGE_H
#define USH_SYNC_STAGE_H

#include "broker/sync/apply/apply.h"
#include "broker/sync/apply/lease.h"
#include "common/kube/batch.h"

enum ush_step {
	USH_STEP_END,
	USH_STEP_CREATE,
	USH_STEP_CHANGE,
	USH_STEP_REMOVE,
	/* widen.c: some leave and others join */
	USH_STEP_LOOK,
	USH_STEP_WIDEN,
	/* another role under the same name */
	USH_STEP_STAND_IN,	  /* a binding with the new role, by another name */
	USH_STEP_STAND_IN_CHANGE, /* an earlier run left it behind: it is brought up to date */
	USH_STEP_STAND_IN_RENEW,  /* the same, and it refers to a third role: away with it, and again */
	USH_STEP_PROVE_ROLE,	  /* what does the role allow? */
	USH_STEP_PROVE,		  /* and may each group do it? */
	USH_STEP_OLD_AWAY,
	USH_STEP_ANEW,
	USH_STEP_STAND_IN_AWAY,
	USH_STEP_STAND_IN_BACK, /* the same, because there was no proof, or the old one is not as it was */
	USH_STEP_COUNT
};

enum ush_phase { /* order.h */
	USH_PHASE_ROLES,
	USH_PHASE_GIVE,	    /* bindings that nobody leaves */
	USH_PHASE_TURN,	    /* bindings that some leave and others join, or of another role: all of them when there is one in
			     * the namespace, else those who join */
	USH_PHASE_TURN_OVER, /* and those who leave */
	USH_PHASE_TAKE,	    /* bindings that some leave */
	USH_PHASE_REMOVE,   /* bindings that go */
	USH_PHASE_OLD_ROLES, /* and Roles */
	USH_PHASE_COUNT	    /* nothing is written */
};

struct ush_job {
	const struct ush_change *change;
	enum ush_step step;
	int64_t due_ms;	     /* not before, by the boot clock */
	char *uid, *version; /* of the stand-in, of what is to be removed after all, or of what was widened */
	char *widening;	     /* a patch */
	bool parked;	     /* what follows is of the next phase */
	unsigned int tries;  /* of the stand-in */
	unsigned int creates; /* that met a 409 with nothing behind it */
	bool again;	     /* a removal that was decided again */
	struct ush_proof *proof;
	struct ush_job *next;
};

struct ush_run {
	const struct ush_kube *kube;
	const struct ush_plan *plan;
	struct ush_applied *applied;
	struct ush_lease lease;
	struct ush_state before;    /* as it was when the lease was ours */
	/* order.c */
	enum ush_phase phase;
	struct ush_list held_back;  /* namespaces where something failed, sorted */
	const struct ush_change **unwritten; /* Roles that were to be written and are not, by namespace and name */
	size_t unwritten_count;
	struct ush_list crossed; /* namespaces with more than one binding that turns, sorted */
	struct ush_job *parked;
	struct ush_asked *asked; /* proof.c: what roles allow, as far as it was read */
	size_t asked_count;
	size_t proofs_left; /* of the stage that only proves */
	/* the stage */
	enum ush_step (*first)(struct ush_run *run, const struct ush_change *change);
	size_t at;			 /* the next change to look at */
	struct ush_job *waiting, **last; /* jobs between two steps */
	bool noted; /* the state is written already, but for where our objects are */
};

/* Runs one stage: every change for which first names a step. -1 when the rest of it is left untried (err). */
int ush_stage_run(struct ush_run *run, enum ush_step (*first)(struct ush_run *run, const struct ush_change *change), struct ush_error *err);

void ush_job_free(struct ush_job *job);

/* steps.c: fills the request of a job's step; and takes its result: the next step. */
void ush_step_make(struct ush_run *run, struct ush_job *job, struct ush_kube_task *task);
enum ush_step ush_step_took(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result);

/* What became of a change; each returns USH_STEP_END. */
enum ush_step ush_step_failed(struct ush_run *run, const struct ush_job *job, const char *why);
enum ush_step ush_step_done(struct ush_run *run, const struct ush_job *job);

/* widen.c: the steps */
void ush_widen_make(struct ush_job *job, struct ush_kube_task *task);
enum ush_step ush_widen_took(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result);

/*
 * proof.c: the API server is asked, as its own authorizer would be, whether each group may now do the first thing that its
 * role says. RBAC is read through a cache there, so a no is asked again for a little while. begin: the first step, or
 * USH_STEP_END when there is nothing that could be asked. role, ask: the steps. After the last one: USH_STEP_END, and
 * *proved is false when a group may not (said in failed). Without the right to ask it says so in no_proof.
 */
enum ush_step ush_proof_begin(struct ush_run *run, struct ush_job *job);
void ush_proof_make(struct ush_run *run, struct ush_job *job, struct ush_kube_task *task);
enum ush_step ush_proof_took(struct ush_run *run, struct ush_job *job, const struct ush_kube_result *result, bool *proved);
void ush_proof_free(struct ush_proof *proof);
void ush_asked_free(struct ush_run *run);

#endif
