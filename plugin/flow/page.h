/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages of the loopback listener: fixed text, so that nothing of a request is ever echoed, and headers that let a
 * browser do nothing with it.
 */
#ifndef USH_FLOW_PAGE_H
#define USH_FLOW_PAGE_H

#include <microhttpd.h>

enum ush_page {
	USH_PAGE_DONE,    /* 200: signed in */
	USH_PAGE_FAILED,  /* 200: not signed in */
	USH_PAGE_LOST,    /* 404 */
	USH_PAGE_USED,    /* 410: a one-shot link, again */
	USH_PAGE_BAD,     /* 400: not an answer to this sign-in */
	USH_PAGE_FOREIGN, /* 403: another host name or another page's script */
	USH_PAGE_METHOD,  /* 405 */
};

enum MHD_Result ush_page_serve(struct MHD_Connection *connection, enum ush_page page);
enum MHD_Result ush_page_redirect(struct MHD_Connection *connection, const char *location); /* 302 */

#endif
