/* SPDX-License-Identifier: Apache-2.0
 *
 * T25: whatever a provider says, a terminal sees printable ASCII, one line at a time, each begun by us.
 */
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/scene.h"
#include "tests/support/tap.h"

/* ESC [ 2 K, OSC 52 (clipboard), OSC 8 (link), CR, LF, BEL, DEL, C1 CSI, RIGHT-TO-LEFT OVERRIDE, ZERO WIDTH SPACE; as
 * JSON */
#define EVIL                                                                                                           \
	"\\u001b[2K\\u001b]52;c;aGk=\\u0007\\u001b]8;;http://evil.example\\u001b\\\\\\r\\nusher: signed "              \
	"in\\u007f\\u009b31m\\u202e\\u200b"
/* the same as it travels in a URL */
#define EVIL_URL "%1b[2K%1b]52;c;aGk=%07%0d%0ausher:%20signed%20in%7f%c2%9b31m%e2%80%ae%e2%80%8b%ff"

/* Everything that was said, and the error as it is printed. */
static void assert_clean(struct scene *scene, const char *what)
{
	USH_AUTO_FREE char *printed = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&printed, &length);
	const char *said = scene_said(scene);

	ush_error_print(out, "usher", &scene->err);
	fclose(out);
	ck_assert_msg(scene_clean(said), "%s: said: %s", what, said);
	ck_assert_msg(scene_clean(printed), "%s: printed: %s", what, printed);
	ck_assert_uint_eq(scene_lines(printed), 1);
}

START_TEST(claims_that_people_are_shown)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->claims_patch = "{\"email\": \"carol" EVIL "\", \"sub\": \"" EVIL "\", \"groups\": [\"" EVIL "\"]}";
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_ptr_nonnull(strstr(scene_said(&scene), "signed in as carol\\x1b[2K"));
	assert_clean(&scene, "email");
	scene_end(&scene);
	scene_begin(&scene, NULL);
	scene.idp->claims_patch = "{\"iss\": \"" EVIL "\"}";
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	assert_clean(&scene, "iss");
	scene_end(&scene);
}
END_TEST

/* Some providers quote what they refuse. */
START_TEST(a_token_in_a_refusal_is_not_shown)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 400, .body =
		"{\"error\": \"invalid_client\", \"error_description\": \"the code eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXJvbCJ9.c2lnbmF0dXJl, of "
		"2026-11-21, is spent (see 0e7b1d1c-59a3-4a3e-9a51-0f4a3c1b2d11)\"}"});
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_ptr_nonnull(strstr(scene.err.what, "the code ..., of 2026-11-21, is spent (see 0e7b1d1c-59a3-4a3e-9a51-0f4a3c1b2d11)"));
	assert_clean(&scene, "token");
	scene_end(&scene);
}
END_TEST

START_TEST(an_error_that_the_browser_brings)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.browser = BROWSER_DENIES;
	scene.denial = "error=" EVIL_URL "&error_description=" EVIL_URL;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_ptr_nonnull(strstr(scene.err.what, "\x1b")); /* it did come through */
	assert_clean(&scene, "callback");
	scene_end(&scene);
}
END_TEST

START_TEST(refusals_of_every_endpoint)
{
	static const char *const paths[] = {"/.well-known/openid-configuration", "/jwks", "/token"};

	for (size_t i = 0; i < USH_COUNT(paths); i++) {
		struct scene scene;

		scene_begin(&scene, NULL);
		fake_idp_fault(scene.idp, paths[i],
			       (struct fake_answer){
				       .status = 400,
				       .content_type = "application/json",
				       .body = "{\"error\": \"" EVIL "\", \"error_description\": \"" EVIL "\"}",
			       });
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		assert_clean(&scene, paths[i]);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(metadata_and_keys)
{
	static const struct {
		const char *path, *body;
	} lies[] = {
		{"/.well-known/openid-configuration", "{\"issuer\": \"" EVIL "\"}"},
		{"/.well-known/openid-configuration",
		 "{\"issuer\": \"https://login.example.com\", \"authorization_endpoint\": \"https://" EVIL
		 "/\", \"token_endpoint\": \"" EVIL "\", \"jwks_uri\": \"" EVIL "\"}"},
		{"/jwks", "{\"keys\": [{\"kty\": \"" EVIL "\", \"kid\": \"" EVIL "\"}]}"},
	};

	for (size_t i = 0; i < USH_COUNT(lies); i++) {
		struct scene scene;

		scene_begin(&scene, NULL);
		fake_idp_fault(scene.idp, lies[i].path, (struct fake_answer){.status = 200, .body = lies[i].body});
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		assert_clean(&scene, lies[i].path);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(the_end_of_a_session)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	scene_page(&scene);
	scene_pass(&scene, 400);
	scene.options.interactive = true;
	fake_idp_fault(
		scene.idp, "/token",
		(struct fake_answer){.status = 400,
				     .body = "{\"error\": \"invalid_grant\", \"error_description\": \"" EVIL "\"}"});
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	assert_clean(&scene, "invalid_grant");
	scene_end(&scene);
}
END_TEST

START_TEST(the_device_invitation)
{
	static const char *const invitations[] = {
		"{\"user_code\": \"AB" EVIL "\"}",
		"{\"user_code\": \"AB\\u001b[2K\\r\\u202e\"}", /* short enough to be shown */
		"{\"verification_uri\": \"https://login.example.com/" EVIL "\"}",
		"{\"verification_uri\": \"" EVIL "\"}",
		"{\"verification_uri_complete\": \"https://evil.example/" EVIL "\"}",
	};
	static const char *const denied[] = {"access_denied", NULL};

	for (size_t i = 0; i < USH_COUNT(invitations); i++) {
		struct scene scene;

		scene_begin(&scene, NULL);
		scene.options.flow = USH_FLOW_DEVICE;
		scene.idp->device_answer = invitations[i];
		scene.idp->device_script = denied;
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		if (i == 1)
			ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
		assert_clean(&scene, invitations[i]);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(what_status_and_logout_show)
{
	const struct ush_profile *profile;
	USH_AUTO_FREE char *text = NULL;
	struct scene scene;
	size_t length = 0;
	FILE *out;

	scene_begin(&scene, NULL);
	profile = scene.profile;
	scene.idp->claims_patch = "{\"email\": \"" EVIL "\"}";
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	out = open_memstream(&text, &length);
	ush_status_print(&scene.idp->world, &profile, 1, &scene.options, false, out);
	ush_status_print(&scene.idp->world, &profile, 1, &scene.options, true, out);
	fclose(out);
	for (size_t i = 0; i < length; i++)
		ck_assert_msg(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f), "byte 0x%02x",
			      (unsigned char)text[i]);
	fake_idp_fault(scene.idp, "/revoke", (struct fake_answer){.status = 400, .body = "{\"error\": \"" EVIL "\"}"});
	ck_assert_int_eq(ush_signout(&scene.idp->world, scene.profile, &scene.options, &scene.err), -1);
	assert_clean(&scene, "logout");
	scene_end(&scene);
}
END_TEST

TAP_MAIN("hostile_text", claims_that_people_are_shown, a_token_in_a_refusal_is_not_shown, an_error_that_the_browser_brings, refusals_of_every_endpoint,
	 metadata_and_keys, the_end_of_a_session, the_device_invitation, what_status_and_logout_show)
