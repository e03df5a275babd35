/* SPDX-License-Identifier: Apache-2.0
 *
 * The program that does nothing: what starting a process costs. Linked twice, dynamically and statically.
 */
int main(void)
{
	return 0;
}
