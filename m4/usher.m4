# SPDX-License-Identifier: Apache-2.0
# The compiler and linker flags of the house, each tried before it is used.

# USH_TRY_CFLAG(FLAG): append FLAG to USH_CFLAGS if the compiler takes it without a murmur.
AC_DEFUN([USH_TRY_CFLAG], [
  AS_VAR_PUSHDEF([seen], [ush_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC takes $1], [seen], [
    ush_saved=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([seen], [yes])], [AS_VAR_SET([seen], [no])])
    CFLAGS=$ush_saved])
  AS_VAR_IF([seen], [yes], [USH_CFLAGS="$USH_CFLAGS $1"])
  AS_VAR_POPDEF([seen])
])

# USH_TRY_LDFLAG(FLAG): the same for USH_LDFLAGS.
AC_DEFUN([USH_TRY_LDFLAG], [
  AS_VAR_PUSHDEF([seen], [ush_cv_ldflag_$1])
  AC_CACHE_CHECK([whether the linker takes $1], [seen], [
    ush_saved=$LDFLAGS
    LDFLAGS="$LDFLAGS $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([seen], [yes])], [AS_VAR_SET([seen], [no])])
    LDFLAGS=$ush_saved])
  AS_VAR_IF([seen], [yes], [USH_LDFLAGS="$USH_LDFLAGS $1"])
  AS_VAR_POPDEF([seen])
])

AC_DEFUN([USH_WARNINGS], [
  m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wformat=2 -Wpointer-arith -Wwrite-strings -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wundef -Wimplicit-fallthrough -Wno-missing-field-initializers -fno-common], [USH_TRY_CFLAG(flag)])
])

AC_DEFUN([USH_HARDENING], [
  m4_foreach_w([flag], [-fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
    -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr], [USH_TRY_CFLAG(flag)])
  # a level that the distribution's compiler already sets is not set twice; level 3 where the compiler knows it
  USH_CFLAGS="$USH_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
  m4_foreach_w([flag], [-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed], [USH_TRY_LDFLAG(m4_quote(flag))])
])

AC_DEFUN([USH_SANITIZERS], [
  USH_CFLAGS="$USH_CFLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
  USH_LDFLAGS="$USH_LDFLAGS -fsanitize=address,undefined"
])

# The program that every kubectl call runs is linked statically: measured faster than an empty dynamic program.
AC_DEFUN([USH_STATIC_FRONT], [
  AC_CACHE_CHECK([for a static libc and libjansson.a], [ush_cv_static_front], [
    ush_saved=$CFLAGS ush_saved_ld=$LDFLAGS ush_saved_libs=$LIBS
    CFLAGS="$CFLAGS $JANSSON_CFLAGS -fPIE" LDFLAGS="$LDFLAGS -static-pie" LIBS="-l:libjansson.a"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <jansson.h>]], [[return json_null() == NULL;]])], [ush_cv_static_front=yes], [ush_cv_static_front=no])
    CFLAGS=$ush_saved LDFLAGS=$ush_saved_ld LIBS=$ush_saved_libs])
  AS_IF([test "$ush_cv_static_front" != yes],
    [AC_MSG_ERROR([kubectl-usher is linked statically and no static libc or libjansson.a was found; --disable-static-front links it dynamically])])
  FRONT_LDFLAGS=-static-pie
  FRONT_LIBS=-l:libjansson.a
])
