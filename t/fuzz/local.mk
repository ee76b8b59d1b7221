# SPDX-License-Identifier: GPL-3.0-or-later
# Fuzz targets: make check replays their corpora, make fuzz looks for more
# (FUZZ_SECONDS each, with clang's libFuzzer).

fuzz_grammars = body factors jws lang multipart path query record token
fuzz_programs = t/fuzz/body t/fuzz/factors t/fuzz/jws t/fuzz/lang t/fuzz/multipart \
	t/fuzz/path t/fuzz/query t/fuzz/record t/fuzz/token
check_PROGRAMS += $(fuzz_programs)
check_LIBRARIES += libreplay.a libworld.a
TESTS += $(fuzz_programs)

libreplay_a_CPPFLAGS = $(AM_CPPFLAGS)
libreplay_a_SOURCES = t/fuzz/replay.c t/fuzz/fuzz.h

# Requests without a web server.
libworld_a_CPPFLAGS = $(AM_CPPFLAGS)
libworld_a_SOURCES = t/unit/http_world.c t/unit/http_world.h

fuzz_libs = libreplay.a libworld.a $(libmxm_libs)
fuzz_flags = $(AM_CPPFLAGS) -I$(srcdir)/t/unit
t_fuzz_body_CPPFLAGS = $(fuzz_flags)
t_fuzz_body_LDADD = $(fuzz_libs)
t_fuzz_factors_CPPFLAGS = $(fuzz_flags)
t_fuzz_factors_LDADD = $(fuzz_libs)
t_fuzz_jws_CPPFLAGS = $(fuzz_flags)
t_fuzz_jws_LDADD = $(fuzz_libs)
t_fuzz_lang_CPPFLAGS = $(fuzz_flags)
t_fuzz_lang_LDADD = $(fuzz_libs)
t_fuzz_multipart_CPPFLAGS = $(fuzz_flags)
t_fuzz_multipart_LDADD = $(fuzz_libs)
t_fuzz_path_CPPFLAGS = $(fuzz_flags)
t_fuzz_path_LDADD = $(fuzz_libs)
t_fuzz_query_CPPFLAGS = $(fuzz_flags)
t_fuzz_query_LDADD = $(fuzz_libs)
t_fuzz_record_CPPFLAGS = $(fuzz_flags)
t_fuzz_record_LDADD = $(fuzz_libs)
t_fuzz_token_CPPFLAGS = $(fuzz_flags)
t_fuzz_token_LDADD = $(fuzz_libs)

FUZZ_SECONDS = 60

fuzz:
	$(SHELL) $(srcdir)/t/fuzz/run $(abs_srcdir) $(abs_builddir)/fuzz \
	    $(FUZZ_SECONDS) $(fuzz_grammars)

# For t/fuzz/run, in its own build.
fuzz-$(GRAMMAR): libworld.a libmxm.a $(srcdir)/t/fuzz/$(GRAMMAR).c
	$(CC) $(DEFS) $(DEFAULT_INCLUDES) $(fuzz_flags) $(AM_CFLAGS) $(CFLAGS) \
	    -fsanitize=fuzzer -o $@ $(srcdir)/t/fuzz/$(GRAMMAR).c \
	    libworld.a $(libmxm_libs)
