# Colophon's commands. Needs Python 3.11 or newer (with venv) and make; each environment is made on first use.
.DEFAULT_GOAL := help
.PHONY: help demo up test bench lint starter clean

SHELL := /bin/sh
OUT ?= demo
ARGS ?=
WORKERS ?= 2
# The first Python that is new enough; name another one with: make PYTHON=/path/to/python
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)

help: ## show this list
	@echo 'Colophon: images that carry their colophon · 会说明来历的图像服务'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; \
		do printf '%-15s %s\n' "$$name" "$$text"; done

demo: .venv/.installed ## make and verify one signed picture, kept in OUT=demo · 生成并核验一张图片
	@OUT='$(OUT)' .venv/bin/python manage.py demo

up: .venv/.installed ## serve until Ctrl-C, data in COLOPHON_HOME=data · 启动服务，按 Ctrl-C 停止
	@.venv/bin/python manage.py up

test: .venv-test/.installed ## run every test; choose some with ARGS='-k words' · 运行全部测试
	@.venv-test/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bench: .venv-test/.installed ## measure speed, all or ARGS="system log"; print a table · 测量速度
	@.venv-test/bin/python -m tests.bench $(ARGS)

lint: .venv-test/.installed ## check style, types and the direction of imports · 检查代码
	@.venv-test/bin/python -m ruff check .
	@.venv-test/bin/python -m mypy
	@.venv-test/bin/lint-imports

starter: .venv-train/.installed ## make and measure the starter model anew, kept in build · 重新训练并评测入门模型
	@.venv-train/bin/python -m generation.starter.make $(ARGS)

clean: ## remove the environments that make made; data stays · 删除虚拟环境，保留数据
	rm -rf .venv .venv-test .venv-train

.venv/.installed: EXTRAS :=
.venv-test/.installed: EXTRAS := [test,dev,scale,train]
.venv-train/.installed: EXTRAS := [train]
.venv/.installed .venv-test/.installed .venv-train/.installed: pyproject.toml constraints.txt
	@test -n '$(PYTHON)' || { \
		echo 'colophon: Python 3.11 or newer is missing. Install python3 and python3-venv, then run make again.'; \
		echo '          缺少 Python 3.11 或更高版本。请安装 python3 与 python3-venv 后重试。'; exit 1; } >&2
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo 'colophon: The venv module is missing. Install python3-venv (Debian, Ubuntu), then run make again.'; \
		echo '          缺少 venv 模块。请安装 python3-venv（Debian、Ubuntu）后重试。'; exit 1; } >&2
	@$(@D)/bin/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(@D)
	@echo 'colophon: installing into $(@D), some minutes the first time · 正在安装，首次需要几分钟'
	@$(@D)/bin/python -m pip install --no-input --disable-pip-version-check --quiet -c constraints.txt -e '.$(EXTRAS)'
	@touch $@
