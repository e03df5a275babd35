/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "plugin/front/execinfo.h"

#define V1 "\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\""

static struct ush_execinfo info;
static struct ush_error err;

static int reading(const char *text)
{
	memset(&err, 0, sizeof err);
	return ush_execinfo_read(&info, text, &err);
}

static void refused(const char *text, const char *why)
{
	ck_assert_int_eq(reading(text), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_int_eq(strncmp(err.what, "KUBERNETES_EXEC_INFO", 20), 0);
	ck_assert_msg(strstr(err.what, why) != NULL, "\"%s\" lacks \"%s\"", err.what, why);
	ck_assert_int_eq(ush_code_status(err.code), 2);
}

START_TEST(what_kubectl_writes_is_read)
{
	ck_assert_int_eq(reading("{" V1 ",\"spec\":{\"interactive\":true,\"cluster\":{\"server\":\"https://k8s.example.com:6443\","
				 "\"certificate-authority-data\":\"QQ==\",\"config\":{\"server\":\"https://evil\"}}}}"), 0);
	ck_assert_str_eq(info.api_version, "client.authentication.k8s.io/v1");
	ck_assert_str_eq(info.server, "https://k8s.example.com:6443");
	ck_assert(info.interactive);
}
END_TEST

START_TEST(v1beta1_is_echoed_and_what_is_absent_is_off)
{
	ck_assert_int_eq(reading("{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"spec\":{}}"), 0);
	ck_assert_str_eq(info.api_version, "client.authentication.k8s.io/v1beta1");
	ck_assert_str_eq(info.server, "");
	ck_assert(!info.interactive);
	ck_assert_int_eq(reading("{" V1 ",\"spec\":{\"cluster\":{}}}"), 0);
	ck_assert_str_eq(info.server, "");
}
END_TEST

START_TEST(not_set_tells_people_what_to_run) /* T27 */
{
	ck_assert_int_eq(reading(NULL), -1);
	ck_assert_str_eq(err.what, "KUBERNETES_EXEC_INFO is not set: kubectl runs this, people run: kubectl usher login");
}
END_TEST

START_TEST(every_wrong_shape_is_refused_by_name) /* T27 */
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "is not valid JSON"},
		{"{", "is not valid JSON"},
		{"null", "is not valid JSON"},
		{"[]", "expected an object"},
		{"{}", "kind: expected ExecCredential, found \"\""},
		{"{" V1 "}", "spec: expected an object"},
		{"{" V1 ",\"spec\":[]}", "spec: expected an object"},
		{"{" V1 ",\"spec\":{}} x", "is not valid JSON"},
		{"{" V1 ",\"kind\":\"ExecCredential\",\"spec\":{}}", "a key stands twice"},
		{"{\"kind\":\"Pod\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{}}", "kind: expected ExecCredential, found \"Pod\""},
		{"{\"kind\":1,\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{}}", "kind:"},
		{"{\"kind\":\"ExecCredential\",\"spec\":{}}", "apiVersion:"},
		{"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1alpha1\",\"spec\":{}}", "v1alpha1"},
		{"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1x\",\"spec\":{}}", "apiVersion:"},
		{"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v\",\"spec\":{}}", "apiVersion:"},
		{"{" V1 ",\"spec\":{\"interactive\":\"true\"}}", "spec.interactive: expected true or false"},
		{"{" V1 ",\"spec\":{\"interactive\":1}}", "spec.interactive: expected true or false"},
		{"{" V1 ",\"spec\":{\"cluster\":\"x\"}}", "spec.cluster: expected an object"},
		{"{" V1 ",\"spec\":{\"cluster\":{\"server\":1}}}", "spec.cluster.server: expected a text"},
		{"{" V1 ",\"spec\":{\"cluster\":{\"server\":\"a\\u0000b\"}}}", "is not valid JSON"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		refused(cases[i].text, cases[i].why);
}
END_TEST

START_TEST(a_server_that_does_not_fit_is_refused_not_cut)
{
	char *long_name = ush_alloc(1100), *text;

	memset(long_name, 'a', 1099);
	text = ush_printf("{" V1 ",\"spec\":{\"cluster\":{\"server\":\"https://%s\"}}}", long_name);
	refused(text, "spec.cluster.server: longer than 1023 bytes");
	ck_assert_str_eq(info.server, "");
	free(text);
	free(long_name);
}
END_TEST

START_TEST(depth_3000_and_huge_texts_end_early) /* T27 */
{
	char *deep = ush_alloc(7000), *huge = ush_alloc(300000), *text;

	memset(deep, '[', 3000);
	text = ush_printf("{" V1 ",\"spec\":{\"x\":%s}}", deep);
	refused(text, "nested deeper than 32");
	memset(huge, ' ', 299999);
	refused(huge, "larger than 262144 bytes");
	free(text);
	free(deep);
	free(huge);
}
END_TEST

START_TEST(a_ca_of_127_KiB_is_no_obstacle) /* T27 */
{
	char *ca = ush_alloc(127 * 1024 + 1), *text;

	memset(ca, 'Q', 127 * 1024);
	text = ush_printf("{" V1 ",\"spec\":{\"cluster\":{\"server\":\"https://k8s\",\"certificate-authority-data\":\"%s\"}}}", ca);
	ck_assert_int_eq(reading(text), 0);
	ck_assert_str_eq(info.server, "https://k8s");
	free(text);
	free(ca);
}
END_TEST

/* The certificate is not read; nothing else may depend on where it stands. */
START_TEST(leaving_the_certificate_out_changes_nothing)
{
	static const char *const clusters[] = {
		"\"certificate-authority-data\":\"QQ==\",\"server\":\"https://a\"",
		"\"server\":\"https://a\",\"certificate-authority-data\":\"QQ==\"",
		"\"server\":\"https://a\",\"certificate-authority-data\":\"\"",
		"\"server\":\"https://a\",\"xcertificate-authority-data\":\"QQ==\",\"certificate-authority-data\":\"QQ==\"",
		"\"x\\\"certificate-authority-data\":\"https\",\"server\":\"https://b\"",
		"\"x\":\"certificate-authority-data\\\":\\\"\",\"server\":\"https://a\"",
		"\"server\":\"https://certificate-authority-data\",\"y\":\"QQ\"",
		"\"certificate-authority-data\":\"QQ\\n==\\u0041\",\"server\":\"https://a\"",
		"\"certificate-authority-data\" : \"QQ==\",\"server\":\"https://a\"",
		"\"certificate-authority-data\":\"QQ==\",\"certificate-authority-data\":\"QQ==\"",
		"\"certificate-authority-data\":\"QQ==\" \"server\":\"https://a\"",
		"\"server\":\"certificate-authority-data\":\"QQ==\"",
		"\"server\":certificate-authority-data\":\"QQ==\"",
		"\"certificate-authority-data\":\"QQ==\x01\",\"server\":\"https://a\"",
		"\"certificate-authority-data\":\"QQ==",
		"\"server\":\"https://a\",\"certificate-authority-data\":\"QQ==\",\"server\":\"https://b\"",
	};

	for (size_t i = 0; i < USH_COUNT(clusters); i++) {
		USH_AUTO_FREE char *text = ush_printf("{" V1 ",\"spec\":{\"cluster\":{%s}}}", clusters[i]);
		USH_AUTO_JSON whole = ush_json_parse(text, strlen(text), "", USH_ERR_CONFIG, NULL);
		const char *server = ush_json_string(ush_json_object(ush_json_object(whole, "spec"), "cluster"), "server");

		ck_assert_msg((reading(text) == 0) == (whole != NULL), "%s", text);
		ck_assert_str_eq(info.server, server != NULL ? server : "");
	}
}
END_TEST

TAP_MAIN("execinfo", what_kubectl_writes_is_read, v1beta1_is_echoed_and_what_is_absent_is_off, not_set_tells_people_what_to_run,
	 every_wrong_shape_is_refused_by_name, a_server_that_does_not_fit_is_refused_not_cut, depth_3000_and_huge_texts_end_early,
	 a_ca_of_127_KiB_is_no_obstacle, leaving_the_certificate_out_changes_nothing)
