-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Whether a person has a film is read from the credits of the person, in every
-- plan. As a join it was also read from all films, for each person, when the
-- planner did not know the sizes of these tables yet, as during an import.

CREATE OR REPLACE VIEW person_findable AS
SELECT p.id AS person_id, p.name, p.name_fold AS fold, p.slug,
       EXISTS (SELECT
                 FROM movie_actor AS c
                WHERE c.person_id = p.id
                  AND (SELECT true
                         FROM live_movie AS m
                        WHERE m.id = c.movie_id)) AS acts,
       EXISTS (SELECT
                 FROM movie_director AS c
                WHERE c.person_id = p.id
                  AND (SELECT true
                         FROM live_movie AS m
                        WHERE m.id = c.movie_id)) AS directs
  FROM live_person AS p;
