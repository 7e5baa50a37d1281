# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test ring of guests: see tests/vm/README.md."""
