# SPDX-License-Identifier: GPL-3.0-or-later
# What the programs are made of. libmxm.a holds everything but the mains, so
# that the unit tests link what ships.

noinst_LIBRARIES += libmxm.a librecommend.a
sbin_PROGRAMS += mxmd mxm-image mxm-jobs mxmctl

libmxm_a_CPPFLAGS = $(AM_CPPFLAGS)
libmxm_a_SOURCES = \
	src/base/banned.h src/base/base.h src/base/errors.def \
	src/base/buf.c src/base/buf.h \
	src/base/child.c src/base/child.h \
	src/base/clock.c src/base/clock.h \
	src/base/conf.c src/base/conf.h src/settings.def \
	src/base/conf_type.c src/base/conf_type.h \
	src/base/err.c src/base/err.h \
	src/base/file.c src/base/file.h \
	src/base/image.h \
	src/base/json.c src/base/json.h \
	src/base/log.c src/base/log.h src/events.def \
	src/base/mem.c src/base/mem.h \
	src/base/plan.c src/base/plan.h \
	src/base/random.c src/base/random.h \
	src/base/shm.c src/base/shm.h \
	src/base/shm_database.c src/base/shm_database.h \
	src/base/shm_limit.c src/base/shm_map.h \
	src/base/shm_turn.c \
	src/base/suggest.c src/base/suggest.h \
	src/base/text.c src/base/text.h \
	src/base/trace.c src/base/trace.h \
	src/i18n/lang.c src/i18n/lang.h \
	src/i18n/mailtext.c src/i18n/mailtext.h \
	src/i18n/msg.c src/i18n/msg.h \
	src/i18n/en.def src/i18n/es.def src/i18n/fr.def src/i18n/de.def \
	src/db/arg.h \
	src/db/conn.c src/db/conn.h \
	src/db/copy.c src/db/copy.h src/db/dump.c src/db/dump.h \
	src/db/load.c src/db/load.h \
	src/db/db.c src/db/db.h \
	src/db/grant.c src/db/grant.h \
	src/db/migrate.c src/db/migrate.h \
	src/db/open.c \
	src/db/pipeline.c src/db/pipeline.h src/db/pull.c src/db/pull.h \
	src/db/pooler.c \
	src/db/query.c src/db/query.h \
	src/db/ready.c \
	src/db/retry.c \
	src/db/row.c src/db/row.h \
	src/db/session.c src/db/session.h \
	src/db/settings.c src/db/settings.h \
	src/db/sqlstate.c src/db/sqlstate.h \
	src/db/stmt.c src/db/stmt.h \
	src/db/tx.c src/db/tx.h \
	src/cache/cache.c src/cache/cache.h \
	src/cache/key.c src/cache/key.h \
	src/net/fetch.c src/net/fetch.h \
	src/net/message.c src/net/message.h \
	src/net/sendmail.c src/net/sendmail.h \
	src/net/smtp.c src/net/smtp.h \
	src/http/body.c src/http/body.h \
	src/http/field.c src/http/field.h \
	src/http/jsonscan.c src/http/jsonscan.h \
	src/http/multipart.c src/http/multipart.h \
	src/http/params.c src/http/params.h \
	src/http/problem.c src/http/problem.h \
	src/http/record.c src/http/record.h \
	src/http/reply.c src/http/reply.h \
	src/http/request.c src/http/request.h \
	src/http/route.c src/http/route.h \
	src/http/routes.c src/http/handlers.h src/routes.def \
	src/outcomes.def \
	src/http/server.c src/http/server.h \
	src/http/source.c src/http/source.h \
	src/auth/account.c src/auth/account.h \
	src/auth/code.c src/auth/code.h \
	src/auth/common.c src/auth/common.h \
	src/auth/guard.c src/auth/guard.h \
	src/auth/identity.c src/auth/identity.h \
	src/auth/key.c src/auth/key.h \
	src/auth/limit.c src/auth/limit.h \
	src/auth/memo.c src/auth/memo.h \
	src/auth/password.c src/auth/password.h \
	src/auth/rules.c \
	src/auth/provider.c src/auth/provider.h \
	src/auth/session.c src/auth/session.h \
	src/auth/token.c src/auth/token.h \
	src/api/api.h \
	src/api/await.c src/api/await.h \
	src/api/cached.c src/api/cached.h \
	src/api/depends.c src/api/depends.h \
	src/api/health.c \
	src/api/image.c src/api/image.h \
	src/api/metrics.c src/metrics.def \
	src/api/page.c src/api/page.h \
	src/api/replica.c src/api/replica.h \
	src/api/run.c src/api/run.h \
	src/api/schema.c \
	src/api/serve.c src/api/serve.h \
	src/api/shape.c src/api/shape.h \
	src/api/touch.c src/api/touch.h \
	src/api/translate.c src/api/translate.h \
	src/api/upload.c src/api/upload.h \
	src/admin/documents.c src/admin/documents.h src/admin/pictures.c \
	src/awards/awards.c \
	src/genres/genres.c \
	src/persons/persons.c \
	src/platforms/platforms.c \
	src/movies/movies.h src/movies/shapes.c \
	src/movies/detail.c src/movies/marks.c src/movies/search.c \
	src/lists/lists.c \
	src/ratings/own.c \
	src/reviews/comments.c src/reviews/reactions.c \
	src/reviews/reviews.c \
	src/recommendations/caller.c src/recommendations/caller.h \
	src/recommendations/choice.c src/recommendations/choice.h \
	src/recommendations/prediction.c src/recommendations/prediction.h \
	src/recommendations/ranking.c src/recommendations/ranking.h \
	src/recommendations/reasons.c src/recommendations/reasons.h \
	src/recommendations/recommendations.c \
	src/recommendations/similar.c \
	src/recommendations/smart_list.c src/recommendations/smart_list.h \
	src/recommendations/steering.c src/recommendations/steering.h \
	src/recommendations/together.c \
	src/sessions/login.c src/sessions/sessions.c \
	src/jobs/archive.c src/jobs/archive.h src/jobs/jws.c src/jobs/jws.h \
	src/users/changes.c src/users/export.c src/users/history.c \
	src/users/removal.c \
	src/users/fields.c src/users/fields.h src/users/friends.c \
	src/users/profile.c src/users/provider.c \
	src/users/users.h src/users/shapes.c src/users/self.c \
	src/users/reset.c src/users/signup.c src/users/update.c src/users/verify.c \
	src/import/catalogue.c src/import/catalogue.h \
	src/import/cause.c src/import/cause.h \
	src/import/csv.c src/import/csv.h \
	src/import/demo.c src/import/genre.c src/import/genre.h \
	src/import/idset.c src/import/idset.h src/import/imdb.c \
	src/import/import.c src/import/import.h \
	src/import/history.c src/import/history.h \
	src/import/history_csv.c src/import/history_json.c \
	src/import/history_lines.h src/import/history_read.c \
	src/import/media.c src/import/media.h \
	src/import/movielens.c src/import/original.c \
	src/import/progress.c src/import/progress.h \
	src/import/record.c src/import/record.h \
	src/import/report.c src/import/report.h \
	src/import/site.c src/import/site.h \
	src/import/table.c src/import/table.h \
	src/import/title.c src/import/title.h src/import/tmdb.c \
	src/import/unzip.c src/import/unzip.h \
	src/recommend/cholesky.c src/recommend/cholesky.h \
	src/recommend/factors.c src/recommend/factors.h \
	src/recommend/fetch.c \
	src/recommend/fold.c src/recommend/fold.h \
	src/recommend/large.c src/recommend/large.h \
	src/recommend/loader.c src/recommend/loader.h \
	src/recommend/model.c src/recommend/model.h \
	src/recommend/model_file.c src/recommend/model_file.h \
	src/recommend/predict.c src/recommend/predict.h \
	src/recommend/publish.c src/recommend/publish.h \
	src/recommend/score.c src/recommend/score.h \
	src/recommend/taste.c src/recommend/taste.h \
	src/recommend/trap.c src/recommend/trap.h \
	src/recommend/vector.h \
	src/prefork.c src/prefork.h

# Training, which calls BLAS: in mxmctl and its tests, never in a worker.
librecommend_a_CPPFLAGS = $(AM_CPPFLAGS) $(GSL_CFLAGS)
librecommend_a_SOURCES = \
	src/recommend/als.c src/recommend/als.h \
	src/recommend/calibrate.c src/recommend/calibrate.h \
	src/recommend/evaluate.c src/recommend/evaluate.h \
	src/recommend/fit.c src/recommend/fit.h \
	src/recommend/matrix.c src/recommend/matrix.h \
	src/recommend/near.c src/recommend/near.h \
	src/recommend/parallel.c src/recommend/parallel.h \
	src/recommend/rank.c src/recommend/rank.h \
	src/recommend/table.c src/recommend/table.h \
	src/recommend/tune.c src/recommend/tune.h
librecommend_libs = librecommend.a $(BLAS_LIBS)

libmxm_libs = libmxm.a $(JSONC_LIBS) $(PQ_LIBS) $(MEMCACHED_LIBS) \
	$(JWT_LIBS) $(SODIUM_LIBS) $(UTF8PROC_LIBS) $(IDN2_LIBS) $(ICU_LIBS) $(ZIP_LIBS) $(CRYPTO_LIBS) \
	$(CURL_LIBS) $(CRACK_LIBS) $(FCGI_LIBS) $(TALLOC_LIBS) -lm \
	$(ARCHIVE_LIBS)

mxmd_SOURCES = src/mxmd.c src/listen.c src/listen.h \
	src/notify.c src/notify.h src/worker.c src/worker.h
mxmd_LDADD = $(libmxm_libs)

# The decoder of pictures: libvips and nothing of the other programs.
mxm_image_SOURCES = src/mxm-image.c src/base/image.h
mxm_image_CPPFLAGS = $(AM_CPPFLAGS) $(VIPS_CFLAGS) $(SECCOMP_CFLAGS)
mxm_image_LDADD = $(VIPS_LIBS) $(SECCOMP_LIBS)

mxm_jobs_SOURCES = src/mxm-jobs.c src/jobs.def src/mails.def src/jobs/jobs.h \
	src/jobs/export.c src/jobs/history.c src/jobs/looks.c src/jobs/mail.c src/jobs/model.c \
	src/jobs/oidc.c src/jobs/prune.c src/jobs/removed.c src/jobs/run.c \
	src/jobs/touch.c src/jobs/translate.c src/jobs/trend.c \
	src/jobs/unconfirmed.c \
	src/notify.c src/notify.h
mxm_jobs_LDADD = $(libmxm_libs)

mxmctl_SOURCES = src/mxmctl.c src/commands.def src/ctl/ctl.h \
	src/ctl/advice.c src/ctl/advice.h src/ctl/args.c src/ctl/audit.c src/ctl/args.h \
	src/ctl/backup/backup.c src/ctl/backup/backup.h \
	src/ctl/backup/media.c src/ctl/backup/pack.c \
	src/ctl/backup/program.c src/ctl/backup/restore.c \
	src/ctl/backup/unpack.c src/ctl/backup/verify.c src/ctl/cache.c \
	src/ctl/check.c src/ctl/check.h \
	src/ctl/check_data.c src/ctl/check_host.c src/ctl/check_key.c \
	src/ctl/check_mail.c src/ctl/check_nginx.c src/ctl/check_server.c \
	src/ctl/check_provider.c \
	src/ctl/check_role.c \
	src/ctl/config.c src/ctl/dropin.c src/ctl/dropin.h src/ctl/export.c src/ctl/import.c src/ctl/jobs.c \
	src/ctl/secrets.c src/ctl/stop.c src/ctl/stop.h \
	src/ctl/migrate.c src/ctl/nginx_map.c \
	src/ctl/recommend/calibrate.c \
	src/ctl/recommend/explain.c src/ctl/recommend/factors.c \
	src/ctl/recommend/learn.c \
	src/ctl/recommend/model.c src/ctl/recommend/model.h \
	src/ctl/recommend/offline.c src/ctl/recommend/quality.c \
	src/ctl/recommend/ratings.c \
	src/ctl/recommend/recommend.c src/ctl/recommend/recommend.h \
	src/ctl/recommend/show.c src/ctl/recommend/step.c \
	src/ctl/recommend/train.c src/ctl/recommend/tune.c \
	src/ctl/routes.c src/ctl/thing.c src/ctl/tune.c src/ctl/sql.c \
	src/ctl/status.c \
	src/ctl/password.c src/ctl/user.h src/ctl/user.c src/ctl/user_make.c \
	src/ctl/user_import.c src/ctl/user_raise.c
mxmctl_LDADD = $(librecommend_libs) $(libmxm_libs)

# The completion of bash, from the tables of commands and settings.
completionsdir = $(datadir)/bash-completion/completions
nodist_completions_DATA = gen/completions/mxmctl
completion = $(srcdir)/src/ctl/completion.awk $(srcdir)/src/settings.def \
	$(srcdir)/src/commands.def $(srcdir)/src/recommend/fit.c \
	$(srcdir)/src/ctl/completion.bash.in
CLEANFILES += gen/completions/mxmctl
EXTRA_DIST += src/ctl/completion.awk src/ctl/completion.bash.in
gen/completions/mxmctl: $(completion)
	$(AM_V_GEN)mkdir -p gen/completions && $(AWK) -f $(completion) \
		>$@.tmp && mv $@.tmp $@

# Statements and migrations, carried by the binary.
statements = $(sort $(wildcard $(srcdir)/sql/*.sql))
migrations = $(sort $(wildcard $(srcdir)/sql/migrations/*.sql))
BUILT_SOURCES += gen/stmts.def gen/migrations.def gen/inputs.def
CLEANFILES += gen/stmts.def gen/migrations.def gen/inputs.def
EXTRA_DIST += sql/gen.awk sql/embed.awk sql/migrations

gen/stmts.def: $(statements) $(srcdir)/sql/gen.awk
	$(AM_V_GEN)mkdir -p gen && $(AWK) -f $(srcdir)/sql/gen.awk \
		$(statements) >$@.tmp && mv $@.tmp $@

gen/migrations.def: $(migrations) $(srcdir)/sql/embed.awk
	$(AM_V_GEN)mkdir -p gen && $(AWK) -f $(srcdir)/sql/embed.awk \
		$(migrations) >$@.tmp && mv $@.tmp $@
EXTRA_DIST += $(statements)

# The input tables that rows of routes.def name.
gen/inputs.def: $(srcdir)/src/routes.def
	$(AM_V_GEN)mkdir -p gen && sed -n \
		's/.*[.]input = \([a-z0-9_]*\).*/INPUT(\1)/p' \
		$(srcdir)/src/routes.def | sort -u >$@.tmp && mv $@.tmp $@

# The description of the API and the page made from it, carried by the binary.
description = $(srcdir)/doc/openapi.yaml $(srcdir)/doc/generate.py \
	$(srcdir)/admin/base.css \
	$(sort $(wildcard $(srcdir)/doc/page/*))
BUILT_SOURCES += gen/schema.def
CLEANFILES += gen/schema.def gen/openapi.json gen/docs.html
EXTRA_DIST += doc/openapi.yaml doc/generate.py doc/page doc/deviations.md

gen/schema.def: $(description)
	$(AM_V_GEN)$(PYTHON3) $(srcdir)/doc/generate.py $(srcdir)/doc gen

# Whatever is made first, its generated includes are there; later changes of
# them are found by the recorded dependencies.
$(libmxm_a_OBJECTS) $(librecommend_a_OBJECTS) $(mxmd_OBJECTS) \
$(mxm_jobs_OBJECTS) $(mxmctl_OBJECTS): | $(BUILT_SOURCES)
