-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- /metrics counts failed jobs by their names; they are few among the done ones.
CREATE INDEX job_failed ON job (name) WHERE state = 'failed';
