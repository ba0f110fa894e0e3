# shellcheck shell=bash
# MySQL from Debian sid's packages, unpacked and run with their own libraries:
# the machine's own packages are not touched. Where they cannot be had, MariaDB.
MYSQL_HOME=$DIST/mysql

install_mysql() {
  need apt-get MySQL
  once mysql download_mysql
  [ -e "$MYSQL_HOME/mariadb" ] && say "NO MYSQL: Debian's packages could not be had, MariaDB takes its place"
  tools_mysql
}

download_mysql() {
  local apt=$STACK_CACHE/apt mirror
  mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\/debian\) .*/\2/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep '/debian/*$' | head -n 1 || true)
  mkdir -p "$apt"/{etc/apt.conf.d,etc/preferences.d,etc/sources.list.d,lists/partial,archives/partial,state,cache}
  : >"$apt/state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$apt/etc/sources.list"
  # A mirror's release file may have expired; signatures are still checked.
  cat >"$apt/apt.conf" <<EOF
Dir::Etc "$apt/etc/"; Dir::Etc::SourceList "$apt/etc/sources.list"; Dir::Etc::SourceParts "$apt/etc/sources.list.d";
Dir::Etc::Parts "$apt/etc/apt.conf.d"; Dir::Etc::PreferencesParts "$apt/etc/preferences.d";
Dir::State "$apt/state/"; Dir::State::Lists "$apt/lists/"; Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache/"; Dir::Cache::Archives "$apt/archives/";
APT::Install-Recommends "false"; APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Check-Valid-Until "false";
EOF
  if APT_CONFIG=$apt/apt.conf apt-get -qq update >"$apt/log" 2>&1 &&
    APT_CONFIG=$apt/apt.conf apt-get -y -qq --download-only install mysql-server-core mysql-client-core >>"$apt/log" 2>&1; then
    local package
    for package in "$apt"/archives/*.deb; do
      case $package in */perl* | */libperl* | */libdb5.3* | */libgdbm*) ;; *) dpkg -x "$package" "$MYSQL_HOME" ;; esac
    done
    rm -rf "$apt"
    return
  fi
  command -v mariadbd >/dev/null || fail "MySQL cannot be had (see $apt/log), and there is no mariadbd to take its place (apt-get install mariadb-server-core mariadb-client-core)"
  touch "$MYSQL_HOME/mariadb"
}

# mysql_run PROGRAM ARGS...: runs one of the unpacked programs.
mysql_run() {
  local program=$1
  shift
  "$MYSQL_HOME/usr/lib64/ld-linux-x86-64.so.2" --library-path "$MYSQL_HOME/usr/lib/x86_64-linux-gnu" "$program" "$@"
}

tools_mysql() {
  local name
  for name in mysql mysqladmin mysqldump; do
    if [ -e "$MYSQL_HOME/mariadb" ]; then
      printf '#!/bin/sh\nexec %s --no-defaults -S %s/run/mysql/socket "$@"\n' "${name/mysql/mariadb-}" "$STACK_DIR" | sed 's/mariadb- /mariadb /' >"$STACK_DIR/bin/$name"
    else
      printf '#!/bin/sh\nexec %s/usr/lib64/ld-linux-x86-64.so.2 --library-path %s/usr/lib/x86_64-linux-gnu %s/usr/bin/%s --no-defaults -S %s/run/mysql/socket "$@"\n' \
        "$MYSQL_HOME" "$MYSQL_HOME" "$MYSQL_HOME" "$name" "$STACK_DIR" >"$STACK_DIR/bin/$name"
    fi
    chmod 755 "$STACK_DIR/bin/$name"
  done
}

# security_mysql, security_redis, security_elasticsearch: settings that secure.sh
# has others of.
security_mysql() { :; }

start_mysql() {
  local conf=$STACK_DIR/conf/mysql.cnf data=$STACK_DIR/data/mysql
  own "$data" "$STACK_DIR/run/mysql"
  cat >"$conf" <<EOF
[mysqld]
datadir=$data
socket=$STACK_DIR/run/mysql/socket
pid_file=$STACK_DIR/run/mysql/pid
tmpdir=$STACK_DIR/run/mysql
bind_address=127.0.0.1
port=$MYSQL_PORT
skip_name_resolve=ON
innodb_buffer_pool_size=256M
max_connections=300
character_set_server=utf8mb4
EOF
  security_mysql >>"$conf"
  if [ -e "$MYSQL_HOME/mariadb" ]; then
    [ -d "$data/mysql" ] || as mariadb-install-db --defaults-file="$conf" --auth-root-authentication-method=normal --skip-test-db >"$STACK_DIR/logs/mysql-install.log" 2>&1
    launch mysql mariadbd --defaults-file="$conf"
    return
  fi
  cat >>"$conf" <<EOF
basedir=$MYSQL_HOME/usr
plugin_dir=$MYSQL_HOME/usr/lib/mysql/plugin
lc_messages_dir=$MYSQL_HOME/usr/share/mysql
character_sets_dir=$MYSQL_HOME/usr/share/mysql/charsets
secure_file_priv=NULL
mysqlx=OFF
disable_log_bin
performance_schema=OFF
innodb_redo_log_capacity=256M
EOF
  local loader=("$MYSQL_HOME/usr/lib64/ld-linux-x86-64.so.2" --library-path "$MYSQL_HOME/usr/lib/x86_64-linux-gnu" "$MYSQL_HOME/usr/sbin/mysqld" "--defaults-file=$conf")
  [ -d "$data/mysql" ] || as "${loader[@]}" --initialize-insecure >"$STACK_DIR/logs/mysql-install.log" 2>&1
  launch mysql "${loader[@]}"
}

ready_mysql() { "$STACK_DIR/bin/mysqladmin" -uroot ping; }

# after_mysql makes the user. It may make databases: tests and drills do.
after_mysql() {
  "$STACK_DIR/bin/mysql" -uroot -e "CREATE DATABASE IF NOT EXISTS chat; CREATE USER IF NOT EXISTS 'chat'@'%' IDENTIFIED BY '$STACK_MYSQL_PASSWORD'; GRANT ALL ON *.* TO 'chat'@'%'"
}

port_mysql() { echo "$MYSQL_PORT"; }
