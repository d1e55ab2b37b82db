# Everything a developer runs. Needs make, sh and Python 3.11; Node, PostgreSQL and the object store come from
# the locked packages. Files are made once and again when what they are made from has changed.

PYTHON ?= python3.11
JOBS ?= 3
BIN := .venv/bin
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
WEB := platform/web
PYRIGHT = $(NODE) node $(WEB)/node_modules/pyright/index.js --project .
STATIC := platform/duilian/platform/web/static
INSTALLED := .venv/.installed
MODULES := $(WEB)/node_modules/.package-lock.json
# The Triton server needs numpy 1, so it has an environment of its own.
TRITON := .venv-triton
TRITON_INSTALLED := $(TRITON)/.installed
# Fine-tuning needs torch, which is heavier than all the rest, so it has one too.
TRAINING := .venv-training
TRAINING_INSTALLED := $(TRAINING)/.installed
BUILT := $(STATIC)/.vite/manifest.json
# The style sheet holds the classes that templates and scripts use, so they are inputs of the front end too.
WEB_SOURCES := $(shell find $(WEB) -path '*/node_modules' -prune -o -type f -print) \
  $(shell find platform/duilian -name '*.html' -print)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help up build test lint types format audit bench models browser triton training clean

help:
	@echo 'make up      启动整套平台 · start the whole platform       [PORT=8700] [DATA_DIR=.duilian]'
	@echo 'make test    检查并运行全部测试 · checks, then every test    [ARGS="-k name"] [JOBS=3]'
	@echo 'make lint    格式、类型、分层 · style, types, layers'
	@echo 'make format  整理格式 · put the code in its format'
	@echo 'make audit   依赖漏洞检查 · known vulnerabilities of dependencies'
	@echo 'make bench   基准测试 · benchmarks                           [DATA=folder]'
	@echo 'make triton  启动 Triton 服务器 · start a Triton server         [PORT=8001]'
	@echo 'make training 安装编码器微调环境 · the environment that fine-tunes encoders'
	@echo 'make clean   删除构建产物，保留数据 · remove what was built, keep the data'

up: build
	@exec $(BIN)/duilian up $(if $(PORT),--port '$(PORT)') $(if $(DATA_DIR),--data-dir '$(DATA_DIR)')

build: $(INSTALLED) $(BUILT)

test: lint models browser $(TRITON_INSTALLED) $(TRAINING_INSTALLED)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: build
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo '有文件未整理，请运行 make format · run make format'; exit 1; }
	@$(BIN)/lint-imports
	@$(NODE) npm --prefix $(WEB) run --silent check
	@$(NODE) npm --prefix $(WEB) test --silent
	@$(PYRIGHT)

types: $(INSTALLED) $(MODULES)
	@$(PYRIGHT)

format: $(INSTALLED)
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

# Asks the advisory services of the two registries. Not part of `make test`: without them it fails instead of passing.
audit: build
	@$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --require-hashes -r requirements.lock
	@$(NODE) npm --prefix $(WEB) audit

bench: build models $(TRITON_INSTALLED)
	@missed=; for file in benchmarks/*.py; do \
	  echo "== $$file"; $(BIN)/python "$$file" $(if $(DATA),--data '$(DATA)') || missed="$$missed $$file"; done; \
	[ -z "$$missed" ] || { echo "未达标或出错 · missed a goal or failed:$$missed"; exit 1; }

models: $(INSTALLED)
	@$(BIN)/duilian models pull

# A model repository made from the manifest, and the server on it, until Ctrl-C.
triton: build models $(TRITON_INSTALLED)
	@exec $(BIN)/duilian triton serve --environment $(TRITON) $(if $(PORT),--port '$(PORT)')

$(TRITON_INSTALLED): $(INSTALLED) serving/triton/requirements.lock
	@echo '正在安装 Triton 环境 … · installing the Triton environment …'
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(TRITON)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(TRITON)/bin/python --require-hashes -r serving/triton/requirements.lock
	@touch $@

# Some 2.4 GB to fetch and 4 GB on disk. The encoder that it fine-tunes comes with it.
training: $(TRAINING_INSTALLED)

$(TRAINING_INSTALLED): $(INSTALLED) customization/training/requirements.lock
	@echo '正在安装微调环境（约 2.4 GB）… · installing the training environment (some 2.4 GB) …'
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(TRAINING)
	@$(BIN)/uv pip install --quiet --compile-bytecode --no-deps --python $(TRAINING)/bin/python --require-hashes -r customization/training/requirements.lock
	@$(BIN)/duilian models pull all-minilm-l6-v2
	@touch $@

# A Chromium for the tests that drive one: the machine's own, else the distribution's, else Playwright's.
browser: $(INSTALLED)
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else $(BIN)/playwright install chromium; fi >/dev/null

clean:
	rm -rf .venv $(TRITON) $(TRAINING) $(WEB)/node_modules $(STATIC) .pytest_cache .ruff_cache .import_linter_cache dist
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	@echo '数据与模型未删除（.duilian、~/.cache/duilian）。 · Data and models were kept (.duilian, ~/.cache/duilian).'

$(BIN)/uv:
	@command -v $(PYTHON) >/dev/null || { \
	  echo '需要 Python 3.11，未找到 $(PYTHON)。请安装后重试，或 make PYTHON=路径。'; \
	  echo 'Python 3.11 is needed and $(PYTHON) was not found. Install it, or name it: make PYTHON=path.'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "需要 Python 3.11，$(PYTHON) 是 $$($(PYTHON) -V 2>&1)。请安装后运行 make PYTHON=路径。"; \
	  echo "Python 3.11 is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1). Install it and run make PYTHON=path."; exit 1; }
	@$(PYTHON) -m venv .venv || { \
	  echo '无法创建 .venv（Debian 请安装 python3.11-venv）。 · On Debian install python3.11-venv.'; exit 1; }
	@echo '正在安装 uv … · installing uv …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5,<1'

$(INSTALLED): $(BIN)/uv requirements.lock pyproject.toml
	@echo '正在安装 Python 依赖 … · installing the locked Python packages …'
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(MODULES): $(INSTALLED) $(WEB)/package.json $(WEB)/package-lock.json
	@echo '正在安装前端依赖 … · installing the locked front-end packages …'
	@cd $(WEB) && $(NODE) npm ci --silent
	@touch $@

$(BUILT): $(MODULES) $(WEB_SOURCES)
	@echo '正在构建前端 … · building the front end …'
	@cd $(WEB) && $(NODE) npm run --silent build -- --logLevel warn
	@touch $@
