# SPDX-License-Identifier: GPL-3.0-or-later
# Unit tests: one program per source file, each with criterion.
