/* SPDX-License-Identifier: Apache-2.0
 *
 * Providers that refuse offline_access: asked again without it, and not asked twice every time.
 */
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/scene.h"
#include "tests/support/tap.h"

START_TEST(a_provider_that_forbids_offline_access_is_asked_again_without)
{
	USH_AUTO_FREE char *stored = NULL;
	struct scene scene;
	const char *said;

	scene_begin(&scene, NULL);
	scene.idp->offline_forbidden = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 2);
	said = scene_said(&scene);
	ck_assert_ptr_nonnull(strstr(said, "login.example.com refused (not_allowed: Offline tokens not allowed for the "
					   "user or client); trying again "
					   "without offline_access\n"));
	stored = scene_stored_refresh(&scene);
	ck_assert_pstr_eq(stored, "rt-1");
	scene_pass(&scene, 400);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what); /* the refresh does not ask for it either */
	ck_assert_uint_eq(scene.opened, 2);
	scene_end(&scene);
}
END_TEST

START_TEST(a_refused_offline_access_is_remembered_for_thirty_days)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.options.fresh = true;
	scene.idp->offline_forbidden = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 2);
	scene_page(&scene);
	scene_said(&scene);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 3);
	ck_assert_ptr_null(strstr(scene_said(&scene), "offline_access\n"));
	scene_page(&scene);
	scene_pass(&scene, 31 * 86400);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 5);
	scene_page(&scene);
	scene_pass(&scene, 31 * 86400);
	scene.idp->offline_forbidden = false;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 6);
	scene_page(&scene);
	scene_pass(&scene, -40 * 86400); /* a memory from the future is none, and it is gone anyway */
	scene.idp->offline_forbidden = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 8);
	scene_end(&scene);
}
END_TEST

START_TEST(logout_forgets_that_offline_access_was_refused)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->offline_forbidden = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	scene_page(&scene);
	ck_assert_int_eq(ush_signout(&scene.idp->world, scene.profile, &scene.options, &scene.err), 0);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 4);
	scene_end(&scene);
}
END_TEST

START_TEST(a_scope_that_is_refused_is_asked_without_offline_access_once)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.browser = BROWSER_DENIES;
	scene.denial = "error=invalid_scope";
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	ck_assert_uint_eq(scene.opened, 2);
	scene_end(&scene);
}
END_TEST

TAP_MAIN("offline", a_provider_that_forbids_offline_access_is_asked_again_without,
	 a_refused_offline_access_is_remembered_for_thirty_days, logout_forgets_that_offline_access_was_refused,
	 a_scope_that_is_refused_is_asked_without_offline_access_once)
