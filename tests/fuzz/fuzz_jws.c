/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "common/oidc/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The public half of the key in RFC 7515 appendix A.2.1, which signed the corpus. */
static const char keys[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-"
	"yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"
	"KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
	"\"e\":\"AQAB\"}]}";

/* Only the untouched token may verify. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ush_jwks *jwks;
	struct ush_error err = {0};
	char *payload = NULL;
	size_t length;
	bool unknown;

	if (jwks == NULL)
		jwks = ush_jwks_read(keys, sizeof keys - 1, &err);
	if (jwks == NULL)
		abort();
	(void)ush_jws_verify((const char *)data, size, jwks, &payload, &length, &unknown, &err);
	free(payload);
	return 0;
}
