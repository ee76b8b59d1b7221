# SPDX-License-Identifier: GPL-3.0-or-later
# Tests: criterion programs, one per source file, which speak TAP; and all that
# needs Python (t/run_checks), which runs after them.

TEST_EXTENSIONS =
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
AM_LOG_DRIVER_FLAGS = --merge
LOG_COMPILER = $(SHELL) $(srcdir)/t/tap
AM_TESTS_ENVIRONMENT = PYTHON3='$(PYTHON3)'; export PYTHON3; \
	srcdir='$(abs_srcdir)'; export srcdir; \
	MXM_BUILD='$(abs_builddir)'; export MXM_BUILD;

unit_tests = \
	t/unit/test_account t/unit/test_als t/unit/test_body t/unit/test_buf \
	t/unit/test_child \
	t/unit/test_cache t/unit/test_clock t/unit/test_conf t/unit/test_copy \
	t/unit/test_db t/unit/test_evaluate t/unit/test_field \
	t/unit/test_file t/unit/test_fold t/unit/test_guard \
	t/unit/test_identity t/unit/test_image \
	t/unit/test_import_csv t/unit/test_import_media \
	t/unit/test_import_record t/unit/test_import_report \
	t/unit/test_import_title t/unit/test_json t/unit/test_key \
	t/unit/test_lang t/unit/test_log t/unit/test_mailtext \
	t/unit/test_matrix t/unit/test_mem t/unit/test_migrate \
	t/unit/test_model_file \
	t/unit/test_msg t/unit/test_multipart t/unit/test_page t/unit/test_params \
	t/unit/test_password t/unit/test_prefork t/unit/test_problem \
	t/unit/test_pipeline t/unit/test_predict t/unit/test_publish t/unit/test_query \
	t/unit/test_random t/unit/test_rank t/unit/test_ranking \
	t/unit/test_record \
	t/unit/test_reply t/unit/test_request t/unit/test_route \
	t/unit/test_row t/unit/test_run t/unit/test_score t/unit/test_serve t/unit/test_server \
	t/unit/test_shm t/unit/test_smart_list \
	t/unit/test_smtp t/unit/test_suggest t/unit/test_text t/unit/test_token \
	t/unit/test_trace t/unit/test_trap t/unit/test_tune t/unit/test_tx \
	t/unit/test_upload

if HAVE_CRITERION
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
check_LIBRARIES += libtest.a
endif

AM_DEFAULT_SOURCE_EXT = .c
# Criterion first: its main() is the one, unless a program needs db_world.o,
# which brings another.
LDADD = $(CRITERION_LIBS) libtest.a $(libmxm_libs)
libtest_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
libtest_a_SOURCES = \
	t/unit/fcgi_peer.c t/unit/fcgi_peer.h \
	t/unit/http_world.c t/unit/http_world.h

# The arithmetic of training, with the BLAS that it calls.
recommend_libs = $(CRITERION_LIBS) $(librecommend_libs) $(libmxm_libs)
t_unit_test_als_LDADD = $(recommend_libs)
t_unit_test_evaluate_LDADD = $(recommend_libs)
t_unit_test_fold_LDADD = $(recommend_libs)
t_unit_test_matrix_LDADD = $(recommend_libs)
t_unit_test_predict_LDADD = $(recommend_libs)
t_unit_test_rank_LDADD = $(recommend_libs)
t_unit_test_tune_LDADD = $(recommend_libs)

# Figures of the recommender, made by make bench.
EXTRA_PROGRAMS += t/bench/recommend
t_bench_recommend_SOURCES = t/bench/made.c t/bench/made.h t/bench/recommend.c
t_bench_recommend_LDADD = $(librecommend_libs) $(libmxm_libs)

# What mxmd is compared with, made by bench.py.
EXTRA_PROGRAMS += t/bench/bare
t_bench_bare_SOURCES = t/bench/bare.c
t_bench_bare_LDADD = $(PQ_LIBS) $(FCGI_LIBS)

# These have a main() of their own, which makes the database they clone.
t_unit_test_cache_SOURCES = t/unit/test_cache.c \
	t/unit/cache_world.c t/unit/cache_world.h
db_world = t/unit/db_world.c t/unit/db_world.h
t_unit_test_copy_SOURCES = t/unit/test_copy.c $(db_world)
t_unit_test_db_SOURCES = t/unit/test_db.c $(db_world)
t_unit_test_migrate_SOURCES = t/unit/test_migrate.c $(db_world)
t_unit_test_publish_SOURCES = t/unit/test_publish.c $(db_world)
t_unit_test_pipeline_SOURCES = t/unit/test_pipeline.c $(db_world)
t_unit_test_query_SOURCES = t/unit/test_query.c $(db_world)
t_unit_test_row_SOURCES = t/unit/test_row.c $(db_world)
t_unit_test_run_SOURCES = t/unit/test_run.c $(db_world)
t_unit_test_run_LDADD = $(CRITERION_LIBS) $(libmxm_libs)
# With the route table that ships.
t_unit_test_serve_SOURCES = t/unit/test_serve.c $(db_world)
t_unit_test_serve_LDADD = $(CRITERION_LIBS) $(libmxm_libs)
t_unit_test_smart_list_SOURCES = t/unit/test_smart_list.c $(db_world)
t_unit_test_tx_SOURCES = t/unit/test_tx.c $(db_world)

EXTRA_DIST += t/tap t/run_checks t/lsan.supp t/valgrind.supp t/conftest.py \
	t/lib t/api t/bench/bare.py t/bench/bench.py t/bench/search.py \
	t/bench/catalogue.sql t/bench/friends.py t/bench/home.py t/bench/hot.py \
	t/bench/imdb.py t/bench/original.py \
	t/bench/logins.py t/bench/people.sql t/bench/secrecy.py t/bench/serving.py t/bench/site.sql \
	t/bench/writing.py t/cache \
	t/contract t/ctl t/faults t/fixtures t/fuzz/run t/fuzz/corpus t/import t/jobs \
	t/lint t/sql

# Not when only the programs are wanted: make check TESTS=
check-local:
	@if test -n '$(strip $(TESTS))'; then \
		for part in lint pytest; do \
			$(PYTHON3) $(srcdir)/t/run_checks --only $$part \
			    --build $(abs_builddir) || exit 1; \
		done; \
	fi

# What t/run_checks leaves in the build.
CLEANFILES += contract-calls.log pytest-one.log pytest-two.log pytest-last.log \
	check-times.json
clean-local:
	rm -rf hypothesis reports test-logs
