/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/page.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/memory.h"

static const struct {
	unsigned int status;
	const char *title, *text;
} pages[] = {
	[USH_PAGE_DONE] = {MHD_HTTP_OK, "Signed in", "You may close this tab and go back to the terminal."},
	[USH_PAGE_FAILED] = {MHD_HTTP_OK, "Not signed in", "The terminal says why. You may close this tab."},
	[USH_PAGE_LOST] = {MHD_HTTP_NOT_FOUND, "Nothing here", "This is not a page."},
	[USH_PAGE_USED] = {MHD_HTTP_GONE, "This link was used", "It works once. Start again from the terminal."},
	[USH_PAGE_BAD] = {MHD_HTTP_BAD_REQUEST, "Not an answer to this sign-in",
			  "The sign-in still waits for the right one."},
	[USH_PAGE_FOREIGN] = {MHD_HTTP_FORBIDDEN, "Refused", "Only the browser's own visit is answered here."},
	[USH_PAGE_METHOD] = {MHD_HTTP_METHOD_NOT_ALLOWED, "Refused", "Only GET is answered here."},
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int status, const char *body, const char *name,
			     const char *value)
{
	static const char *const headers[][2] = {
		{"Content-Type", "text/html; charset=utf-8"},
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cache-Control", "no-store"},
		{"Connection", "close"},
	};
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	for (size_t i = 0; i < USH_COUNT(headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (name != NULL)
		MHD_add_response_header(response, name, value);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result ush_page_serve(struct MHD_Connection *connection, enum ush_page page)
{
	USH_AUTO_FREE char *body =
		ush_printf("<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title>"
			   "<h1>%s</h1><p>%s</p></html>\n",
			   pages[page].title, pages[page].title, pages[page].text);
	bool method = page == USH_PAGE_METHOD;

	return reply(connection, pages[page].status, body, method ? "Allow" : NULL, method ? "GET" : NULL);
}

enum MHD_Result ush_page_redirect(struct MHD_Connection *connection, const char *location)
{
	return reply(connection, MHD_HTTP_FOUND, "", "Location", location);
}
