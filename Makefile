# Two commands do all the set-up on a fresh Debian or Ubuntu machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-input -c constraints.txt

# What PyQt6 and napari need, and a virtual display.
PACKAGES := xvfb xauth libgl1 libglx-mesa0 libgl1-mesa-dri libegl1 libopengl0 libdbus-1-3 libfontconfig1 libglib2.0-0 \
	libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 \
	libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 fonts-dejavu-core

# Opens a demo that is there already; without a display it takes the pictures again.
define SHOW
from pathlib import Path
from napari_atlas.views.launch import launch_or_capture
for line in launch_or_capture(Path("$(DEMO)/reef.atlas"), Path("$(DEMO)")):
    print(line)
endef
export SHOW

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help system demo test lint docs clean distclean

help: ## Show this list
	@echo "napari-atlas: type one of"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo "Another Python: make demo PYTHON=python3.12.  Own system libraries: make demo SYSTEM=skip."

demo: $(READY) ## Set up, make a small sample reef, fit it, map it and open it (pictures only, without a display)
	@set -e; \
	if [ -e $(DEMO)/reef.atlas ] && ! ls $(DEMO)/reef.atlas/runs/*/maps/*.npz >/dev/null 2>&1; then \
		echo "The last demo did not get to its map: starting afresh."; \
		rm -rf $(DEMO)/reef.atlas; \
	fi; \
	if [ -e $(DEMO)/reef.atlas ]; then \
		echo "Showing $(DEMO)/reef.atlas again; 'make clean' takes it away."; \
		$(BIN)/python -c "$$SHOW"; \
	else \
		$(BIN)/napari-atlas demo $(DEMO); \
	fi

test: $(READY) ## Set up and run all tests, which include ruff, mypy, import-linter and the size budgets
	@set -e; \
	if [ -n "$$DISPLAY" ] || [ "$$(uname)" = Darwin ]; then on_screen=; \
	else on_screen='env -u WAYLAND_DISPLAY xvfb-run -a -s "-screen 0 1920x1200x24"'; fi; \
	eval "exec $$on_screen $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)"

lint: $(READY) ## Set up and run the linters alone
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

docs: $(VENV)/.docs ## Set up and build the documentation into build/docs
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

clean: ## Remove the demo, builds and caches
	@rm -rf $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

distclean: clean ## Remove the environment as well
	@rm -rf $(VENV)

system:
	@set -e; \
	if [ "$(SYSTEM)" = skip ] || ! command -v dpkg-query >/dev/null; then exit 0; fi; \
	wanted="$(PACKAGES)"; \
	if ! $(BIN)/python -c "" 2>/dev/null && ! $(PYTHON) -c "import ensurepip, venv" 2>/dev/null; then \
		wanted="$$wanted python3 python3-venv"; \
	fi; \
	here=$$(dpkg-query -W -f='$${db:Status-Status} $${Package}, $${Provides}\n' \
		| sed -n -e 's/([^)]*)//g' -e 's/^installed //p' | tr -s ', ' '\n'); \
	missing=; \
	for name in $$wanted; do \
		echo "$$here" | grep -xF -e "$$name" >/dev/null || missing="$$missing $$name"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then \
		echo "Installing Debian packages:$$missing"; \
		apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
		echo "Some system packages are missing. Type this line, then run make again:" >&2; \
		echo "  sudo apt-get install -y --no-install-recommends$$missing" >&2; \
		echo "(or add SYSTEM=skip to go on without them)" >&2; \
		exit 1; \
	fi

$(READY): pyproject.toml constraints.txt | system
	@set -e; \
	if ! $(BIN)/python -c "" 2>/dev/null; then \
		if ! $(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))"; then \
			echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …" >&2; \
			exit 1; \
		fi; \
		$(PYTHON) -m venv --clear $(VENV); \
	fi; \
	echo "Installing into $(VENV): about 3 GB, two minutes on a fast line …"; \
	$(PIP) -e ".[all,dev]"; \
	touch $@

$(VENV)/.docs: $(READY)
	@$(PIP) -e ".[docs]"
	@touch $@
