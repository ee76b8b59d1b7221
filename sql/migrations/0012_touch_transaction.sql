-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Which transaction wrote a row of table touch: a request raises the generations
-- of exactly what its own transaction has touched.

ALTER TABLE touch
	ADD COLUMN txid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX touch_txid ON touch (txid);
